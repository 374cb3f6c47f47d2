import { GraphBuilder, pruneGraph } from "../../onnx/index.js";
import type { Projection } from "../whitening/projection.type.js";
import { EMBEDDING, readEmbeddingModel, renameValue, writeEmbeddingModel } from "./embedding-model.js";
import { ModelsUnfit } from "./export.errors.js";
import { mergeGraphs } from "./merge-graphs.js";
import { project } from "./project.js";

/**
 * Two models of one base encoder as one whose vectors are both, side by side, scaled by the roots of their shares. Its
 * cosines are then the cosines of both, averaged by share. What both compute alike (the trunk) runs once.
 * @param shares of the first and the second; .7 and .3 when absent
 * @throws ModelsUnfit, and what reading a model throws
 */
export function joinModels(
  first: Uint8Array,
  second: Uint8Array,
  shares: readonly [number, number] = [0.7, 0.3],
): Uint8Array {
  const total = shares[0] + shares[1];
  if (!shares.every((share) => share > 0 && Number.isFinite(share))) {
    throw new ModelsUnfit(`Shares of ${shares.join(" and ")} join nothing. Give two numbers above zero.`);
  }
  const a = renameValue(readEmbeddingModel(first).graph, EMBEDDING, "first/embedding");
  const b = renameValue(readEmbeddingModel(second).graph, EMBEDDING, "second/embedding");
  const { graph, names } = mergeGraphs(a.graph, b.graph);
  const builder = GraphBuilder.from({ ...graph, outputs: [] });
  const parts = [a.name, names.get(b.name) ?? b.name].map((name, place) =>
    builder.mul(builder.value(name), Math.sqrt((shares[place] ?? 0) / total)),
  );
  builder.output(builder.concat(parts, 1, EMBEDDING));
  return writeEmbeddingModel(pruneGraph(builder.graph()));
}

/**
 * A model whose vectors are projected (`fitReduction` on its vectors of many photos) and brought to unit length again.
 * @throws ModelsUnfit, and what reading a model throws
 */
export function reduceModel(model: Uint8Array, fit: Projection): Uint8Array {
  const read = readEmbeddingModel(model);
  if (fit.width !== read.dims) {
    throw new ModelsUnfit(`The projection was fitted on vectors of ${fit.width}; this model gives ${read.dims}.`);
  }
  const { graph, name } = renameValue(read.graph, EMBEDDING, "whole/embedding");
  const builder = GraphBuilder.from({ ...graph, outputs: [] });
  builder.output(project(builder, builder.value(name), fit, "reduction"), EMBEDDING);
  return writeEmbeddingModel(pruneGraph(builder.graph()));
}
