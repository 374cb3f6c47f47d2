import { InferenceSession, Tensor } from "onnxruntime-node";
import { modelOf, pruneGraph, readModel, writeModel } from "../../onnx/index.js";
import type { EncoderGraph, FeatureSpecification } from "../../training/index.js";
import { featureGraph } from "./feature-graph.js";

/** Name of what a feature model gives: `[batch, width]`, as a head sees it before it standardises. */
export const FEATURES = "features";

/** The encoder up to its joined features as an ONNX model: photos → "features". @throws what featureGraph throws */
export async function buildFeatureModel(
  encoder: EncoderGraph,
  features: readonly FeatureSpecification[],
): Promise<Uint8Array> {
  const { builder, joined } = await featureGraph(encoder, features);
  builder.output(joined, FEATURES);
  return writeModel(modelOf(pruneGraph(builder.graph())));
}

/** An encoder that gives joined features in place of a vector. */
export interface FeatureSession {
  readonly width: number;
  /** @param images `count` photos as the encoder takes them @returns `[count, width]` */
  run(images: Float32Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws what featureGraph throws */
export async function openFeatureSession(
  encoder: EncoderGraph,
  features: readonly FeatureSpecification[],
  threads?: number,
): Promise<FeatureSession> {
  const model = await buildFeatureModel(encoder, features);
  const { inputs, outputs } = readModel(model).graph;
  const [input] = inputs;
  if (input === undefined) throw new TypeError("the graph of an encoder has no input");
  const session = await InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  });
  const shape = input.type.shape.slice(1).map(Number);
  return {
    width: Number(outputs[0]?.type?.shape[1]),
    async run(images, count) {
      const results = await session.run({ [input.name]: new Tensor("float32", images, [count, ...shape]) });
      const rows = results[FEATURES]?.data;
      if (!(rows instanceof Float32Array)) throw new TypeError("the runtime gave no floats for the features");
      return rows;
    },
    close: () => session.release(),
  };
}
