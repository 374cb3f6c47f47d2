import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assignSplits } from "../../src/learning/snapshot/assign-splits.js";
import type { DraftPhotos } from "../../src/learning/snapshot/draft.js";
import { findLookAlikes, SAME_SHOT } from "../../src/learning/snapshot/look-alikes.js";
import { createDraws } from "../../src/mining/index.js";
import type { LabelledVector } from "../../src/vectors/vectors.type.js";

const DIMS = 32;

/** Products with a photo of their own each, and a second one whose content `shared` names. */
function shopWith(
  products: number,
  shared: (product: number) => bigint,
  groups: (product: number) => number = () => -1,
) {
  const draws = createDraws(5);
  const vectorOf = new Map<bigint, Float32Array>();
  const draft: DraftPhotos = {
    ...{ imageIds: [], productIds: [], blobIds: [], contentHashes: [], splits: [], groups: [], labels: [], names: [] },
  };
  const vectors: LabelledVector[] = [];
  for (let product = 0; product < products; product++) {
    for (const [at, blobId] of [BigInt(1000 + product), shared(product)].entries()) {
      if (!vectorOf.has(blobId)) {
        const values = Float32Array.from({ length: DIMS }, () => draws.share() - 0.5);
        const length = Math.hypot(...values);
        vectorOf.set(
          blobId,
          values.map((value) => value / length),
        );
      }
      const imageId = BigInt(2 * product + at);
      draft.imageIds.push(imageId);
      draft.productIds.push(BigInt(product));
      draft.blobIds.push(blobId);
      draft.contentHashes.push(String(blobId));
      draft.splits.push(product % 10 === 0 ? "TEST" : "TRAIN");
      draft.groups.push(groups(product));
      vectors.push({
        productId: BigInt(product),
        imageId,
        vector: vectorOf.get(blobId)!,
        ...{ categoryPath: [], group: null, attributes: {}, split: null },
      });
    }
  }
  const read = async function* () {
    yield vectors;
  };
  return { draft, read };
}

describe("photos that belong together", () => {
  it("a size chart or a placeholder that half the catalog shows ties nobody to the test split", async () => {
    const { draft, read } = shopWith(60, (product) => (product % 2 === 0 ? 1n : BigInt(5000 + product)));
    const { groups } = await findLookAlikes(draft, read, SAME_SHOT);
    const { splits } = assignSplits(draft, groups, 1);
    const held = draft.splits.filter((own, place) => own === "TRAIN" && splits[place] === "test").length;
    assert.equal(held, 0);
  });

  it("a photo that a few products show keeps them together, and so does one of many variants of a group", async () => {
    const few = shopWith(60, (product) => (product < 5 ? 1n : BigInt(5000 + product)));
    const byFew = await findLookAlikes(few.draft, few.read, SAME_SHOT);
    const splits = assignSplits(few.draft, byFew.groups, 1).splits;
    assert.deepEqual(new Set(splits.slice(0, 10)), new Set(["test"]), "product 0 is one of the test");
    const variants = shopWith(
      60,
      (product) => (product < 30 ? 1n : BigInt(5000 + product)),
      (product) => (product < 30 ? 0 : -1),
    );
    const { groups } = await findLookAlikes(variants.draft, variants.read, SAME_SHOT);
    assert.equal(new Set(Array.from({ length: 30 }, (_, product) => groups[2 * product + 1])).size, 1);
    assert.ok(groups[1]! >= 0);
  });
});
