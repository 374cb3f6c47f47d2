import type { Preprocessing } from "../../encoders/encoder.type.js";
import { GraphBuilder, pruneGraph } from "../../onnx/index.js";
import { unitLength } from "../../training/index.js";
import { EMBEDDING, namesOf, readEmbeddingModel, renameValue, writeEmbeddingModel } from "./embedding-model.js";
import { ModelsUnfit } from "./export.errors.js";
import { mergeGraphs } from "./merge-graphs.js";

/** "Until before the first element", for a slice that runs backwards. */
const BEFORE_FIRST = -(2 ** 31);

const MIRRORED = "mirror/photos";

/**
 * A model that embeds every photo and its mirror image, and gives the direction of their sum. Twice the work: both go
 * through the graph as two photos of one batch, so that the weights are there once.
 * @throws ModelsUnfit, and what reading a model throws
 */
export function averageFlips(model: Uint8Array, { layout }: Pick<Preprocessing, "layout">): Uint8Array {
  const { graph, image, dims } = readEmbeddingModel(model);
  const [batch, ...photo] = image.type.shape;
  if (typeof batch === "number" || !photo.every((size): size is number => typeof size === "number")) {
    throw new ModelsUnfit(
      `The model takes [${image.type.shape.join(", ")}]; mirror images need an open batch and photos of one size.`,
    );
  }
  if (namesOf(graph).has(MIRRORED)) throw new ModelsUnfit("The model averages over mirror images already.");
  const pairs = new GraphBuilder(graph);
  const photos = pairs.input(image.name, image.type.elementType, image.type.shape);
  const mirrored = pairs.slice(photos, [-1], [BEFORE_FIRST], [layout === "NCHW" ? 3 : 2], [-1], MIRRORED);
  // Side by side on a new axis: the batch is open, and sizes such as "twice the batch" only divide when kept apart.
  const both = pairs.concat([pairs.unsqueeze(photos, [1]), pairs.unsqueeze(mirrored, [1])], 1, "mirror/pairs");
  pairs.output(pairs.reshape(both, [-1, ...photo], "mirror/batch"));

  const renamed = renameValue(graph, EMBEDDING, "mirror/embeddings");
  const { graph: merged, names } = mergeGraphs(pairs.graph(), renamed.graph, "mirror/batch");
  const builder = GraphBuilder.from({ ...merged, outputs: [] });
  const embeddings = builder.value(names.get(renamed.name) ?? renamed.name);
  const sum = builder.reduceSum(builder.reshape(embeddings, [-1, 2, dims]), [1], false, "mirror/sum");
  builder.output(unitLength(builder, sum, EMBEDDING));
  return writeEmbeddingModel(pruneGraph(builder.graph()));
}
