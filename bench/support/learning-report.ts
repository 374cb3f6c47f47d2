import type { Suspect } from "../../src/mining/index.js";
import { type Asked, meanFigures, type ShownFigures } from "./learning-figures.js";
import { rounded } from "./statistics.js";

/** What one run took and found. */
export interface MeasuredRun extends SuspectFigures {
  readonly name: string;
  readonly seed: number;
  readonly recipe: string;
  readonly dims: number;
  readonly steps: number;
  readonly seconds: number;
  readonly kilobytes: number;
}

/** What one run's vectors are worth; seed 0: nothing was trained. */
export interface MeasuredFigures extends ShownFigures {
  readonly name: string;
  readonly seed: number;
  /** plain, mirrored (averaged over photo and mirror image), or mirrored queries against plain ones. */
  readonly vectors: string;
  readonly asked: Asked;
  readonly queries: number;
}

/** Photos that a run took for mislabelled, against those whose label was replaced. */
export interface SuspectFigures {
  readonly suspects: number;
  readonly wrongLabels: number;
  /** Share of the suspects that are wrong, and of the wrong ones that are suspects; null where there are none. */
  readonly suspectPrecision: number | null;
  readonly suspectRecall: number | null;
}

export function suspectsOf(
  suspects: readonly Pick<Suspect, "photo">[],
  replaced: Readonly<Record<string, number>>,
): SuspectFigures {
  const wrongLabels = Object.keys(replaced).length;
  const found = suspects.filter(({ photo }) => replaced[photo] !== undefined).length;
  const share = (of: number) => (of === 0 || wrongLabels === 0 ? null : rounded(found / of, 3));
  return {
    suspects: suspects.length,
    wrongLabels,
    suspectPrecision: share(suspects.length),
    suspectRecall: share(wrongLabels),
  };
}

/** One row for all seeds of a configuration. */
export function meansOfSeeds(
  figures: readonly MeasuredFigures[],
): (Omit<MeasuredFigures, "seed"> & { readonly seeds: number })[] {
  const groups = new Map<string, MeasuredFigures[]>();
  for (const row of figures) {
    const key = JSON.stringify([row.name, row.vectors, row.asked]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => {
    const { name, vectors, asked, queries } = group[0]!;
    return { name, vectors, asked, queries, seeds: group.length, ...meanFigures(group) };
  });
}
