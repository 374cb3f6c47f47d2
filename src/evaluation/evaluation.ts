import { BadUserInput } from "../errors.js";
import type { ModelVersion, ModelVersions } from "../models/model-version.type.js";
import type { LabelledVector, Vectors } from "../vectors/vectors.type.js";
import { NothingToEvaluate } from "./evaluation.errors.js";
import type { Evaluation, EvaluationReport, EvaluationRequest } from "./evaluation.type.js";
import { labelReader } from "./labels.js";
import { addQuery, emptyTotals, meansOf, ranksOfRelevant } from "./ranking-metrics.js";
import { similaritiesOf, type VectorBlock } from "./similarities.js";

export interface EvaluationDependencies {
  readonly vectors: Pick<Vectors, "readers">;
  readonly models: Pick<ModelVersions, "active" | "base" | "find">;
}

/** Queries that are compared with the gallery at once. */
const BLOCK = 32;

interface Query {
  readonly vector: Float32Array;
  readonly label: string;
  /** Its own place in the gallery; −1 when it is not there. */
  readonly place: number;
}

/** The items of one evaluation. Every vector is held once, in the gallery's blocks or as a query. */
interface Items {
  readonly queries: readonly Query[];
  readonly gallery: readonly VectorBlock[];
  readonly size: number;
  /** Places in the gallery, ascending. */
  readonly byLabel: ReadonlyMap<string, readonly number[]>;
}

/** Measures models on the labels that a catalog carries; see `Evaluation`. */
export function createEvaluation({ vectors, models }: EvaluationDependencies): Evaluation {
  return {
    async evaluate(request, signal) {
      const startedAt = performance.now();
      const reader = labelReader(request.labels);
      const model = await modelOf(models, request.model);
      const items = await gather(vectors.readers.read(model.id, reader.of), request, reader.label, signal);
      const totals = emptyTotals();
      let without = 0;
      for (let from = 0; from < items.queries.length; from += BLOCK) {
        signal?.throwIfAborted();
        const queries = items.queries.slice(from, from + BLOCK);
        const similarities = similaritiesOf(
          queries.map(({ vector }) => vector),
          items.gallery,
          model.dims,
        );
        for (const [at, { label, place }] of queries.entries()) {
          const relevant = (items.byLabel.get(label) ?? []).filter((other) => other !== place);
          if (relevant.length === 0) without += 1;
          else {
            const ranks = ranksOfRelevant(similarities[at]!, relevant, place);
            addQuery(totals, ranks, items.size - Number(place >= 0));
          }
        }
        // A block takes up to a second; let a signal and other work in between.
        await new Promise((resume) => setImmediate(resume));
      }
      if (totals.queries === 0) throw new NothingToEvaluate(nothing(request, model, items, without));
      return {
        model: model.name,
        labels: request.labels,
        split: request.split,
        queries: totals.queries,
        queriesWithoutRelevant: without,
        gallery: items.size,
        ...meansOf(totals),
        seconds: (performance.now() - startedAt) / 1000,
      } satisfies EvaluationReport;
    },
  };
}

async function modelOf(models: EvaluationDependencies["models"], name: string): Promise<ModelVersion> {
  if (name === "active") return models.active();
  if (name === "base") return models.base();
  const model = /^\d{1,9}$/.test(name) ? await models.find(Number(name)) : undefined;
  if (model !== undefined) return model;
  throw new BadUserInput(`model must be active, base or the id of a model version, not ${JSON.stringify(name)}.`, [
    "model",
  ]);
}

async function gather(
  batches: AsyncGenerator<LabelledVector[]>,
  { split, gallery: from }: EvaluationRequest,
  labelOf: (item: LabelledVector) => string | undefined,
  signal: AbortSignal | undefined,
): Promise<Items> {
  const queries: Query[] = [];
  const gallery: VectorBlock[] = [];
  const byLabel = new Map<string, number[]>();
  let size = 0;
  for await (const batch of batches) {
    signal?.throwIfAborted();
    const kept = batch.filter(({ split: own }) => (from === "train" ? own === "TRAIN" : asked(own, split)));
    const dims = batch[0]?.vector.length ?? 0;
    const data = new Float32Array(kept.length * dims);
    const places = new Map<LabelledVector, number>();
    for (const [row, item] of kept.entries()) {
      data.set(item.vector, row * dims);
      const place = size + row;
      places.set(item, place);
      const label = labelOf(item);
      if (label === undefined) continue;
      const known = byLabel.get(label);
      if (known === undefined) byLabel.set(label, [place]);
      else known.push(place);
    }
    for (const item of batch) {
      const label = labelOf(item);
      if (label === undefined || !asked(item.split, split)) continue;
      const place = places.get(item) ?? -1;
      const row = place - size;
      const vector = place < 0 ? item.vector : data.subarray(row * dims, (row + 1) * dims);
      queries.push({ vector, label, place });
    }
    gallery.push({ data, rows: kept.length });
    size += kept.length;
  }
  return { queries, gallery, size, byLabel };
}

function asked(own: LabelledVector["split"], split: EvaluationRequest["split"]): boolean {
  return split === "all" || own === "TEST";
}

function nothing(
  { labels, split, gallery }: EvaluationRequest,
  model: ModelVersion,
  items: Items,
  without: number,
): string {
  if (items.queries.length === 0) {
    const which = split === "test" ? "of the test split " : "";
    return `No product ${which}has a vector of ${model.name} and a label "${labels}". Import products with it${split === "test" ? ", some with split test" : ""}, and wait until they are embedded.`;
  }
  if (items.size === 0)
    return `The ${gallery === "train" ? "training split" : "gallery"} is empty. Import products with split train.`;
  return `None of the ${without} queries has another item with the same label "${labels}" in the gallery of ${items.size}.`;
}
