import { createHash } from "node:crypto";
import { DisjointSets } from "../../mining/index.js";
import type { DraftPhotos } from "./draft.js";
import type { SnapshotSplit } from "./snapshot.type.js";

const VALIDATION = 0.1;
const TEST = 0.1;

export interface AssignedSplits {
  readonly splits: readonly SnapshotSplit[];
  /** Whether each photo is one that the catalog gives to training, held out because something like it is. */
  readonly heldOut: readonly boolean[];
}

/**
 * The split of each photo. Photos of one product, one group or one shot stay together. The catalog's own split wins;
 * where photos that belong together disagree, the most held-out one does, since a test photo that was learned from is
 * no test. The rest go by a hash of seed and product, 80 : 10 : 10. A catalog that names training and test products but
 * none for validation has a tenth of its training products validate. One that names none to test has a tenth of the
 * products without a split test; where all have one, a tenth of its training products.
 */
export function assignSplits(
  { productIds, groups, splits }: Pick<DraftPhotos, "productIds" | "groups" | "splits">,
  lookAlikes: Int32Array,
  seed: number,
): AssignedSplits {
  const sets = new DisjointSets(productIds.length);
  const joinEqual = (key: (place: number) => bigint | number | undefined): void => {
    const first = new Map<bigint | number, number>();
    for (const place of productIds.keys()) {
      const own = key(place);
      if (own === undefined) continue;
      const known = first.get(own);
      if (known === undefined) first.set(own, place);
      else sets.join(known, place);
    }
  };
  const orNone = (number: number): number | undefined => (number < 0 ? undefined : number);
  joinEqual((place) => productIds[place]);
  joinEqual((place) => orNone(groups[place]!));
  joinEqual((place) => orNone(lookAlikes[place]!));

  const strictness = { TRAIN: 1, VALIDATION: 2, TEST: 3 } as const;
  const strictest = new Map<number, keyof typeof strictness>();
  for (const [place, split] of splits.entries()) {
    if (split === null) continue;
    const root = sets.find(place);
    const known = strictest.get(root);
    if (known === undefined || strictness[split] > strictness[known]) strictest.set(root, split);
  }
  const named = new Set(splits);
  const carve = named.has("TRAIN") && !named.has("VALIDATION");
  const carveTest = named.has("TRAIN") && !named.has("TEST") && !named.has(null);
  const decided = new Map<number, SnapshotSplit>();
  const decide = (root: number): SnapshotSplit => {
    const own = strictest.get(root);
    if (own === "TEST") return "test";
    if (own === "VALIDATION") return "validation";
    // The root is the component's earliest photo, of its earliest product: it stays what it is as a catalog grows.
    const share = shareOf(seed, productIds[root]!);
    if (own === "TRAIN" && share < VALIDATION) return carve ? "validation" : "train";
    if (own === "TRAIN" && share < VALIDATION + TEST) return carveTest ? "test" : "train";
    if (own === "TRAIN") return "train";
    return share < VALIDATION ? "validation" : share < VALIDATION + TEST ? "test" : "train";
  };
  const assigned = Array.from(splits.keys(), (place) => {
    const root = sets.find(place);
    const split = decided.get(root) ?? decide(root);
    decided.set(root, split);
    return split;
  });
  const heldOut = Array.from(splits, (own, place) => own === "TRAIN" && strictest.get(sets.find(place)) !== "TRAIN");
  return { splits: assigned, heldOut };
}

/** 0 … 1, without 1. */
function shareOf(seed: number, productId: bigint): number {
  return createHash("sha256").update(`${seed}:${productId}`).digest().readUInt32BE(0) / 2 ** 32;
}
