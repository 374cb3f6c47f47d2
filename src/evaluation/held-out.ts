import type { Snapshot, SnapshotSplit } from "../learning/snapshot/snapshot.type.js";
import type { HeldOut } from "./evaluation.type.js";

export type HeldOutSource = { readonly photos: readonly Pick<Snapshot["photos"][number], "productId" | "split">[] };

/**
 * What a run has not learned from.
 * @param asking splits whose products ask: its test, or its validation too. The run chose its best epoch by the latter,
 * which flatters it a little, but no weight has seen it.
 */
export function heldOutOf({ photos }: HeldOutSource, asking: readonly SnapshotSplit[]): HeldOut {
  const of = (splits: readonly SnapshotSplit[]): Set<bigint> =>
    new Set(photos.filter(({ split }) => splits.includes(split)).map(({ productId }) => BigInt(productId)));
  return { asked: of(asking), unlearned: of(["test", "validation"]) };
}
