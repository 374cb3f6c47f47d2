import { setImmediate } from "node:timers/promises";
import type { RankingFigures } from "../../src/evaluation/evaluation.type.js";
import { figuresOf, meansOf, ranksOfRelevant } from "../../src/evaluation/ranking-metrics.js";
import { similaritiesOf } from "../../src/evaluation/similarities.js";
import type { LearningTask } from "./learning-task.js";
import { rounded } from "./statistics.js";

/** Unit vectors of photos, by place; those that could not be read have none. */
export type PhotoVectors = readonly (Float32Array | undefined)[];

/** Who was asked: held-out photos of learned labels against their training photos, or all of other labels among themselves. */
export type Asked = "validation" | "test" | "held out" | "unseen labels";

export type ShownFigures = Pick<RankingFigures, "precisionAt1" | "recallAt10" | "meanAveragePrecision" | "mapAtR">;

/** Queries whose similarities are in memory at once. */
const BLOCK = 64;

/** @param gallery of the same photos as `queries`, where other vectors answer than those that ask */
export async function measureAll(
  { photos, labels, isLearned }: LearningTask,
  queries: PhotoVectors,
  gallery: PhotoVectors = queries,
): Promise<{ readonly asked: Asked; readonly queries: number; readonly figures: ShownFigures }[]> {
  const placesOf = (is: (split: string, learned: boolean) => boolean) =>
    photos.flatMap(({ split }, place) => (is(split, isLearned[labels[place]!] ?? false) ? [place] : []));
  const train = placesOf((split, learned) => learned && split === "train");
  const unseen = placesOf((_, learned) => !learned);
  const cases: [Asked, number[], number[]][] = [
    ["validation", placesOf((split, learned) => learned && split === "validation"), train],
    ["test", placesOf((split, learned) => learned && split === "test"), train],
    ["held out", placesOf((split, learned) => learned && split !== "train"), train],
    ["unseen labels", unseen, unseen],
  ];
  const rows = [];
  for (const [asked, places, among] of cases) {
    const figures = await rank({ labels, queries, gallery }, places, among);
    if (figures.length > 0) rows.push({ asked, queries: figures.length, figures: shown(meansOf(figures)) });
  }
  return rows;
}

async function rank(
  { labels, queries, gallery }: { labels: Int32Array; queries: PhotoVectors; gallery: PhotoVectors },
  asking: readonly number[],
  answering: readonly number[],
): Promise<RankingFigures[]> {
  const among = answering.filter((place) => gallery[place] !== undefined);
  const dims = gallery[among[0] ?? -1]?.length ?? 0;
  const data = new Float32Array(among.length * dims);
  const rowOf = new Map(among.map((place, row) => [place, row]));
  for (const [row, place] of among.entries()) data.set(gallery[place]!, row * dims);
  const relevant = new Map<number, number[]>();
  for (const [row, place] of among.entries()) {
    const same = relevant.get(labels[place]!);
    if (same) same.push(row);
    else relevant.set(labels[place]!, [row]);
  }
  const all: RankingFigures[] = [];
  const asked = asking.filter((place) => queries[place] !== undefined);
  for (let first = 0; first < asked.length; first += BLOCK) {
    const block = asked.slice(first, first + BLOCK);
    const vectors = block.map((place) => queries[place]!);
    for (const [at, similarities] of similaritiesOf(vectors, [{ data, rows: among.length }], dims).entries()) {
      const own = rowOf.get(block[at]!) ?? -1;
      const others = (relevant.get(labels[block[at]!]!) ?? []).filter((row) => row !== own);
      if (others.length === 0) continue;
      all.push(figuresOf(ranksOfRelevant(similarities, others, own), among.length - Number(own >= 0)));
    }
    await setImmediate();
  }
  return all;
}

function shown({ precisionAt1, recallAt10, meanAveragePrecision, mapAtR }: ShownFigures): ShownFigures {
  return {
    precisionAt1: rounded(precisionAt1, 4),
    recallAt10: rounded(recallAt10, 4),
    meanAveragePrecision: rounded(meanAveragePrecision, 4),
    mapAtR: rounded(mapAtR, 4),
  };
}

/** Means over runs, figure by figure. @param all not empty */
export function meanFigures(all: readonly ShownFigures[]): ShownFigures {
  const mean = (name: keyof ShownFigures) => all.reduce((sum, figures) => sum + figures[name], 0) / all.length;
  return shown({
    precisionAt1: mean("precisionAt1"),
    recallAt10: mean("recallAt10"),
    meanAveragePrecision: mean("meanAveragePrecision"),
    mapAtR: mean("mapAtR"),
  });
}
