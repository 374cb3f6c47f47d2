import type { ModelVersion, ModelVersions } from "../models/model-version.type.js";
import type { Vectors } from "../vectors/vectors.type.js";
import { NothingToEvaluate } from "./evaluation.errors.js";
import type { Evaluation, EvaluationRequest, Measurement, QueryResult } from "./evaluation.type.js";
import { reportOf } from "./evaluation-report.js";
import { findModel } from "./find-model.js";
import { gatherItems, type Items, namesOf } from "./gather-items.js";
import { selectLabels, selectsLabels } from "./label-selection.js";
import { labelReader } from "./labels.js";
import { figuresOf, ranksOfRelevant } from "./ranking-metrics.js";
import { similaritiesOf } from "./similarities.js";

export interface EvaluationDependencies {
  readonly vectors: Pick<Vectors, "readers">;
  readonly models: Pick<ModelVersions, "active" | "base" | "find">;
}

/** Queries that are compared with the gallery at once, at most. */
const BLOCK = 32;
/** Multiplications in a row: some 10 ms, so that a server answers visitors in between. */
const SLICE = 8_000_000;

/** Measures models on the labels that a catalog carries; see `Evaluation`. */
export function createEvaluation({ vectors, models }: EvaluationDependencies): Evaluation {
  async function measure(request: EvaluationRequest, signal?: AbortSignal): Promise<Measurement> {
    const startedAt = performance.now();
    const reader = labelReader(request.labels);
    const model = await findModel(models, request.model);
    const read = () => vectors.readers.read(model.id, reader.of);
    const selected = selectsLabels(request) ? selectLabels(await namesOf(read(), reader, signal), request) : undefined;
    const items = await gatherItems(read(), request, reader, selected, signal);
    const { results, without } = await rankAll(items, model.dims, signal);
    if (results.length === 0) throw new NothingToEvaluate(nothing(request, model, items, without));
    return {
      model: { id: model.id, name: model.name },
      request,
      results,
      queriesWithoutRelevant: without,
      gallery: items.size,
      seconds: (performance.now() - startedAt) / 1000,
    };
  }
  return { measure, evaluate: async (request, signal) => reportOf(await measure(request, signal)) };
}

async function rankAll(
  items: Items,
  dims: number,
  signal: AbortSignal | undefined,
): Promise<{ results: QueryResult[]; without: number }> {
  const results: QueryResult[] = [];
  let without = 0;
  const block = Math.min(BLOCK, Math.max(1, Math.floor(SLICE / Math.max(1, items.size * dims))));
  for (let from = 0; from < items.queries.length; from += block) {
    signal?.throwIfAborted();
    const queries = items.queries.slice(from, from + block);
    const similarities = similaritiesOf(
      queries.map(({ vector }) => vector),
      items.gallery,
      dims,
    );
    for (const [at, { vector: _, place, ...query }] of queries.entries()) {
      const relevant = (items.byLabel.get(query.label) ?? []).filter((other) => other !== place);
      if (relevant.length === 0) without += 1;
      else {
        const ranks = ranksOfRelevant(similarities[at]!, relevant, place);
        results.push({ ...query, figures: figuresOf(ranks, items.size - Number(place >= 0)) });
      }
    }
    await new Promise((resume) => setImmediate(resume));
  }
  return { results, without };
}

function nothing(
  { labels, split, gallery, heldOut }: EvaluationRequest,
  model: ModelVersion,
  items: Items,
  without: number,
): string {
  if (items.queries.length === 0) {
    if (heldOut !== undefined) {
      return `None of the ${heldOut.asked.size} products held out has a vector of ${model.name} and a label "${labels}".`;
    }
    const which = split === "test" ? "of the test split " : "";
    return `No product ${which}has a vector of ${model.name} and a label "${labels}". Import products with it${split === "test" ? ", some with split test" : ""}, and wait until they are embedded.`;
  }
  if (items.size === 0)
    return `The ${gallery === "train" ? "training split" : "gallery"} is empty. Import products with split train.`;
  return `None of the ${without} queries has another item with the same label "${labels}" in the gallery of ${items.size}.`;
}
