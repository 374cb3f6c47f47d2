import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";

/*
 * Body of a worker thread: a bare session and one ready tensor, run again and again. What the encoder could do if
 * photos came as tensors.
 */

export interface RawLaneSettings {
  readonly modelPath: string;
  readonly input: string;
  readonly output: string;
  /** `[photos, …]` */
  readonly shape: readonly number[];
  readonly threads: number;
}

const { modelPath, input, output, shape, threads } = workerData as RawLaneSettings;
const session = await InferenceSession.create(modelPath, {
  executionProviders: ["cpu"],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
const values = Float32Array.from({ length: shape.reduce((product, length) => product * length, 1) }, (_, at) =>
  Math.sin(at),
);
const tensor = new Tensor("float32", values, shape);
parentPort!.on("message", async (runs: number) => {
  for (let run = 0; run < runs; run++) await session.run({ [input]: tensor }, [output]);
  parentPort!.postMessage("done");
});
parentPort!.postMessage("ready");
