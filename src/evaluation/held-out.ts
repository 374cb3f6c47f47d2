import type { Snapshot } from "../learning/snapshot/snapshot.type.js";
import type { HeldOut } from "./evaluation.type.js";
import { LEAST_QUERIES } from "./judge.js";

export type HeldOutSource = { readonly photos: readonly Pick<Snapshot["photos"][number], "productId" | "split">[] };

/**
 * What a run has not learned from: its test products ask. Where they are too few to tell, those of its validation
 * split ask too; the run chose its best epoch by them, which flatters it a little, but no weight has seen them.
 */
export function heldOutOf({ photos }: HeldOutSource): HeldOut {
  const of = (splits: readonly string[]): Set<bigint> =>
    new Set(photos.filter(({ split }) => splits.includes(split)).map(({ productId }) => BigInt(productId)));
  const test = of(["test"]);
  const unlearned = of(["test", "validation"]);
  return { asked: test.size >= LEAST_QUERIES ? test : unlearned, unlearned };
}
