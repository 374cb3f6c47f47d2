import { setImmediate } from "node:timers/promises";
import { figuresOf, meansOf, ranksOfRelevant } from "../../evaluation/ranking-metrics.js";
import { similaritiesOf } from "../../evaluation/similarities.js";
import type { UnitVectors } from "../../mining/index.js";
import { LearningCancelled } from "../learning.errors.js";
import type { ValidationFigures } from "../learning.type.js";

/** Queries whose similarities are in memory at once. */
const BLOCK = 64;

/** Vectors with a label each; −1: none, in the gallery but never relevant, and no query. */
export interface LabelledVectors {
  readonly vectors: UnitVectors;
  readonly labels: Int32Array;
}

/**
 * Each query ranked against the whole gallery by cosine. Queries whose label the gallery lacks say nothing and are left
 * out.
 * @returns undefined when no query is left
 * @throws LearningCancelled
 */
export async function validate(
  queries: LabelledVectors,
  gallery: LabelledVectors,
  signal?: AbortSignal,
): Promise<ValidationFigures | undefined> {
  const { dims } = gallery.vectors;
  const relevant = new Map<number, number[]>();
  for (const [place, label] of gallery.labels.entries()) {
    if (label < 0) continue;
    const places = relevant.get(label);
    if (places) places.push(place);
    else relevant.set(label, [place]);
  }
  const asked = [...queries.labels.keys()].filter((place) => relevant.has(queries.labels[place]!));
  if (asked.length === 0) return undefined;
  const blocks = [{ data: gallery.vectors.data, rows: gallery.vectors.count }];
  const figures = [];
  for (let first = 0; first < asked.length; first += BLOCK) {
    // Large catalogs take seconds: whoever wants to stop the run must be heard in between.
    await setImmediate();
    if (signal?.aborted) throw new LearningCancelled();
    const block = asked.slice(first, first + BLOCK);
    const rows = block.map((place) => queries.vectors.data.subarray(place * dims, (place + 1) * dims));
    for (const [at, similarities] of similaritiesOf(rows, blocks, dims).entries()) {
      const ranks = ranksOfRelevant(similarities, relevant.get(queries.labels[block[at]!]!)!);
      figures.push(figuresOf(ranks, similarities.length));
    }
  }
  const { recallAt1, precisionAt1, recallAt10, meanAveragePrecision, mapAtR } = meansOf(figures);
  return { recallAt1, precisionAt1, recallAt10, meanAveragePrecision, mapAtR };
}
