import type { InferenceSession } from "onnxruntime-node";
import type { Graph } from "../onnx/index.js";
import { TAIL } from "./inference-graph.js";
import type { PhotoFeeds } from "./photo-feeds.js";
import { type DeviceOptions, floatsOf, openSession } from "./runtime-session.js";
import type { Photos, WeightChoice } from "./trainer.type.js";

/** Runs the trained part without gradients, its weights as constants: the runtime is several times faster so. */
export interface TailRunner {
  /** One row a photo of an output of the tail graph. */
  run(photos: Photos, choice: WeightChoice, output: string): Promise<Float32Array>;
  /** Forgets weights that have moved. */
  drop(): Promise<void>;
}

/** @param graphOf the tail graph with the weights as they stand */
export function createTailRunner(
  photoFeeds: PhotoFeeds,
  graphOf: (choice: WeightChoice) => Promise<Graph>,
  sizes: { readonly batch: number; readonly dims: number; readonly width: number },
  options: DeviceOptions,
): TailRunner {
  let open: { readonly session: InferenceSession; readonly choice: WeightChoice } | undefined;
  const drop = async () => {
    const stale = open;
    open = undefined;
    await stale?.session.release();
  };
  const sessionFor = async (choice: WeightChoice) => {
    if (open?.choice !== choice) {
      await drop();
      open = { session: await openSession(await graphOf(choice), options), choice };
    }
    return open.session;
  };
  return {
    async run(photos, choice, output) {
      const { batch, dims, width } = sizes;
      const count = photoFeeds.count(photos);
      const values = await photoFeeds.boundary(photos);
      const session = await sessionFor(choice);
      const length = output === TAIL.embedding ? dims : width;
      const rows = new Float32Array(count * length);
      for (let first = 0; first < count; first += batch) {
        const results = await session.run(photoFeeds.feeds(values, first, batch), [output]);
        const used = Math.min(batch, count - first) * length;
        rows.set(floatsOf(results[output], output).subarray(0, used), first * length);
      }
      return rows;
    },
    drop,
  };
}
