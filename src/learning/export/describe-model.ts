import { readFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../database/package-root.js";
import type { EncoderManifest } from "../../encoders/encoder.type.js";
import { readModel, writeModel } from "../../onnx/index.js";
import { readEmbeddingModel } from "./embedding-model.js";

export interface ModelDescription {
  /** Name of the model version, where it has one already. */
  readonly name?: string;
  readonly recipe: string;
  /** The encoder it was tuned from: its licence holds for the tuned model too. */
  readonly base: EncoderManifest;
}

/**
 * The same model with what somebody who only has the file must know: who made it, from what, under which licence, and
 * how photos become its input. Readable with any ONNX tool as `metadata_props`.
 * @throws ModelsUnfit, and what reading a model throws
 */
export function describeModel(bytes: Uint8Array, { name, recipe, base }: ModelDescription): Uint8Array {
  const { image, dims } = readEmbeddingModel(bytes);
  const metadata = new Map<string, string>([
    ...(name === undefined ? [] : [["lookalike.name", name] as const]),
    ["lookalike.recipe", recipe],
    ["lookalike.base", base.name],
    ["lookalike.base.origin", base.origin],
    ["licence", base.licence],
    ["lookalike.input", image.name],
    ["lookalike.preprocessing", JSON.stringify(base.preprocessing)],
    ["lookalike.output", `unit vectors of ${dims}; compare them by cosine`],
  ]);
  return writeModel({ ...readModel(bytes), producerName: "lookalike", producerVersion: programVersion(), metadata });
}

function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(packageRoot(), "package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";
}
