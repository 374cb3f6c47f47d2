import type { Snapshot, SnapshotSplit } from "../learning/snapshot/snapshot.type.js";
import type { HeldOut } from "./evaluation.type.js";

export interface HeldOutSource extends Pick<Snapshot, "notSelected"> {
  readonly photos: readonly Pick<Snapshot["photos"][number], "productId" | "split">[];
}

/**
 * What was kept aside from a run, also of labels that it did not select: a model answers for the whole catalog.
 * @param asking splits whose products ask: its test, or its validation too. The run chose its best epoch by the latter,
 * which flatters it a little, but no weight has seen it.
 */
export function heldOutOf({ photos, notSelected = [] }: HeldOutSource, asking: readonly SnapshotSplit[]): HeldOut {
  const of = (splits: readonly SnapshotSplit[]): Set<bigint> =>
    new Set(
      [photos, notSelected].flatMap((products) =>
        products.filter(({ split }) => splits.includes(split)).map(({ productId }) => BigInt(productId)),
      ),
    );
  return { asked: of(asking), aside: of(["test", "validation"]) };
}
