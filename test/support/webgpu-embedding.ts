import { rm } from "node:fs/promises";
import path from "node:path";
import { openEncoderSession } from "../../src/embedding/encoder-session.js";
import { GraphBuilder, modelOf, writeModelFile } from "../../src/onnx/index.js";
import { seededWeights } from "./architectures/seeded-weights.js";
import { seededPictures } from "./architectures/whole-gradient.js";
import { tinyEncoder } from "./embedding-tiny-encoder.js";
import { worstDifference } from "./webgpu-compare.js";

/** Height and width open, as exports leave them; of convolutions that the provider computes wrongly as they stand. */
function encoderGraph() {
  const g = new GraphBuilder({ name: "faulty on WebGPU", opset: 17 });
  const weights = seededWeights(g, 17);
  const layer = (name: string, x: ReturnType<GraphBuilder["relu"]>, shape: readonly number[], group = 1) =>
    g.relu(
      g.conv(x, weights.matrix(name, shape), weights.vector(`${name}.bias`, [shape[0] ?? 1]), {
        group,
        pads: [1, 1, 1, 1],
        strides: [2, 2],
      }),
    );
  const image = g.input("pixel_values", "float32", ["batch", 3, "height", "width"]);
  const stem = layer("stem", image, [6, 3, 3, 3]);
  const wide = layer("channels by three", stem, [8, 6, 3, 3]);
  const grouped = layer("six filters a group", wide, [12, 4, 3, 3], 2);
  g.output(g.flatten(g.globalAveragePool(grouped)), "image_embeds");
  return g.graph();
}

/** Vectors of five photos, as the embedder makes them on WebGPU and on the CPU: a full batch of four and one more. */
export function embeddingTasks() {
  return new Map([
    [
      "an encoder",
      async () => {
        const tiny = await tinyEncoder();
        await writeModelFile(modelOf(encoderGraph()), tiny.modelPath);
        const encoder = { ...tiny, manifest: { ...tiny.manifest, dims: 12 } };
        const photos = seededPictures([3, 16, 16], [0, 1, 2, 3, 4], 3);
        const vectorsOn = async (device: "cpu" | "webgpu") => {
          const session = await openEncoderSession(encoder, device, 1);
          const whole = 4 * 3 * 16 * 16;
          const vectors = [
            ...(await session.run(photos.slice(0, whole), 4)),
            ...(await session.run(photos.slice(whole), 1)),
          ];
          await session.close();
          return new Map(vectors.map((vector, photo) => [`photo ${photo}`, vector]));
        };
        const result = worstDifference(await vectorsOn("webgpu"), await vectorsOn("cpu"));
        await rm(path.dirname(tiny.modelPath), { recursive: true });
        return result;
      },
    ],
  ]);
}
