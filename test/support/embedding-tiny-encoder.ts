import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { InstalledEncoder, Preprocessing } from "../../src/encoders/encoder.type.js";
import { writeModelFile } from "../../src/onnx/index.js";
import { type TinyModel, tinyModel } from "./encoders-tiny-model.js";

export const TINY_DIMS = 128;

/** A real ONNX encoder of one layer on disk, 16 × 16 pixels to 128 dimensions. */
export async function tinyEncoder(
  model: TinyModel = {},
  preprocessing: Partial<Preprocessing> = {},
): Promise<InstalledEncoder> {
  const folder = mkdtempSync(path.join(tmpdir(), "lookalike-tiny-encoder-"));
  const modelPath = path.join(folder, "model.onnx");
  await writeModelFile(tinyModel({ dims: TINY_DIMS, ...model }), modelPath);
  return {
    manifest: {
      name: "tiny",
      description: "One layer",
      licence: "MIT",
      origin: "test",
      model: "model.onnx",
      input: "pixel_values",
      preprocessing: {
        size: 16,
        resize: "squash",
        layout: "NCHW",
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
        ...preprocessing,
      },
      output: "image_embeds",
      pooling: "none",
      dims: TINY_DIMS,
      cuts: [],
    },
    modelPath,
    digest: "tiny-digest",
  };
}
