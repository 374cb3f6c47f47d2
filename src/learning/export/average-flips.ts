import type { Preprocessing } from "../../encoders/encoder.type.js";
import { GraphBuilder, pruneGraph } from "../../onnx/index.js";
import { unitLength } from "../../training/index.js";
import { EMBEDDING, namesOf, readEmbeddingModel, renameValue, writeEmbeddingModel } from "./embedding-model.js";
import { ModelsUnfit } from "./export.errors.js";

/** "Until before the first element", for a slice that runs backwards. */
const BEFORE_FIRST = -(2 ** 31);

/**
 * A model that embeds every photo and its mirror image, and gives the direction of their sum. Twice the work: both go
 * through the graph as one batch of twice the photos, so that the weights are there once.
 * @throws ModelsUnfit, and what reading a model throws
 */
export function averageFlips(model: Uint8Array, { layout }: Pick<Preprocessing, "layout">): Uint8Array {
  const read = readEmbeddingModel(model);
  const { image, dims } = read;
  if (typeof image.type.shape[0] === "number") {
    throw new ModelsUnfit(
      `The model takes exactly ${image.type.shape[0]} photos a call; mirror images need an open batch.`,
    );
  }
  const inner = renameValue(renameValue(read.graph, EMBEDDING, "both/embedding").graph, image.name, "both/photos");
  const mirrors = new GraphBuilder(read.graph);
  const photos = mirrors.input(image.name, image.type.elementType, image.type.shape);
  const width = layout === "NCHW" ? 3 : 2;
  const flipped = mirrors.slice(photos, [-1], [BEFORE_FIRST], [width], [-1], "mirror/photos");
  mirrors.output(mirrors.concat([photos, flipped], 0, inner.name));
  const before = mirrors.graph();

  const taken = namesOf(inner.graph);
  const clash = [...before.initialisers.keys(), ...before.nodes.flatMap(({ outputs }) => outputs)].find(
    (name) => name !== inner.name && taken.has(name),
  );
  if (clash !== undefined) throw new ModelsUnfit("The model averages over mirror images already.");
  const builder = GraphBuilder.from({
    ...inner.graph,
    inputs: before.inputs,
    outputs: [],
    initialisers: new Map([...before.initialisers, ...inner.graph.initialisers]),
    nodes: [...before.nodes, ...inner.graph.nodes],
    valueTypes: new Map(),
  });
  const [output] = inner.graph.outputs;
  if (output === undefined) throw new TypeError("a read model has an output");
  const pairs = builder.reshape(builder.value(output.name), [2, -1, dims], "mirror/pairs");
  const sum = builder.reduceSum(pairs, [0], false, "mirror/sum");
  builder.output(unitLength(builder, sum, EMBEDDING));
  return writeEmbeddingModel(pruneGraph(builder.graph()));
}
