import type { InstalledEncoder } from "../encoders/encoder.type.js";
import { type Graph, modelOf, readModelFile, webGpuForm, writeModel } from "../onnx/index.js";

/**
 * The encoder's file in the form that WebGPU computes rightly (docs/decisions/120), for photos of one shape.
 * @param photo shape without the batch, which stays open
 * @throws what reading a graph throws
 */
export async function webGpuModel(
  { manifest, modelPath }: InstalledEncoder,
  photo: readonly number[],
): Promise<Uint8Array> {
  const { graph } = await readModelFile(modelPath);
  // Exports leave height and width open; which convolutions are faulty depends on them.
  const sized: Graph = {
    ...graph,
    inputs: graph.inputs.map(({ name, type }) => {
      const shape = name === manifest.input ? [type.shape[0] ?? "batch", ...photo] : type.shape;
      return { name, type: { ...type, shape } };
    }),
    valueTypes: new Map(),
  };
  return writeModel(modelOf(webGpuForm(sized)));
}
