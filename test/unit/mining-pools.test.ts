import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findDuplicates, type MinedPools, minePools, sampleTriplets } from "../../src/mining/index.js";
import { distanceOf, drawClusters, join } from "../support/mining-samples.js";
import { createRandom, unit } from "../support/random-catalog.js";

const { vectors, labels } = drawClusters({ seed: 33, labels: 5, photos: 260, dims: 10, spread: 1.1 });
labels.fill(-1, 100, 120);
const settings = { policy: "both", positivesPerAnchor: 4, negativesPerAnchor: 6, trim: 0.05, seed: 1 } as const;
const places = [...labels.keys()];
const close = (actual: number, expected: number, by: number): void =>
  assert.ok(Math.abs(actual - expected) <= by, `${actual} instead of ${expected}`);

const positivesOf = (pools: MinedPools, anchor: number): number[] => [
  ...pools.positives.subarray(pools.positiveStart[anchor], pools.positiveStart[anchor + 1]),
];
const negativesOf = (pools: MinedPools, anchor: number): number[] => [
  ...pools.negatives.subarray(pools.negativeStart[anchor], pools.negativeStart[anchor + 1]),
];
const to = (anchor: number) => (place: number) => distanceOf(vectors, anchor, place);
const sameLabel = (anchor: number) => places.filter((place) => place !== anchor && labels[place] === labels[anchor]);
const otherLabel = (anchor: number) =>
  places.filter((place) => labels[place]! >= 0 && labels[place] !== labels[anchor]);

describe("mined pools", () => {
  it("hold the farthest positives of the hard band, less the trimmed ones, farthest first", async () => {
    const pools = await minePools(vectors, labels, settings);
    const hard = places
      .filter((place) => labels[place]! >= 0)
      .flatMap((anchor) => sameLabel(anchor).map(to(anchor)))
      .filter((distance) => distance > pools.bands.positivePeak)
      .sort((left, right) => left - right);
    const limit = hard[Math.ceil(hard.length * 0.95) - 1]!;
    let checked = 0;
    for (const anchor of places) {
      const distance = to(anchor);
      const mined = positivesOf(pools, anchor);
      const expected =
        labels[anchor]! < 0
          ? []
          : sameLabel(anchor)
              .filter((place) => distance(place) > pools.bands.positivePeak && distance(place) <= limit - 0.002)
              .sort((left, right) => distance(right) - distance(left))
              .slice(0, 4);
      // Distances are counted by thousandths, so that some pairs at the limit may be in or out.
      const sure = mined.filter((place) => distance(place) <= limit - 0.002);
      assert.deepEqual(sure, expected.slice(0, sure.length));
      assert.ok(mined.every((place) => distance(place) <= limit + 0.002));
      assert.ok(mined.length >= Math.min(4, expected.length));
      checked += sure.length;
    }
    assert.ok(checked > 300);
  });

  it("hold the nearest negatives of the hard band, nearest first", async () => {
    // More than some anchors have in the band.
    const pools = await minePools(vectors, labels, { ...settings, negativesPerAnchor: 90 });
    const lengths = places.map((anchor) => negativesOf(pools, anchor).length);
    assert.ok(lengths.some((length) => length > 0 && length < 90) && lengths.includes(90));
    for (const anchor of places) {
      const distance = to(anchor);
      const expected =
        labels[anchor]! < 0
          ? []
          : otherLabel(anchor)
              .filter((place) => distance(place) < pools.bands.negativePeak)
              .sort((left, right) => distance(left) - distance(right))
              .slice(0, 90);
      assert.deepEqual(negativesOf(pools, anchor), expected);
    }
  });

  it("hold what their policy says", async () => {
    const mined = async (policy: "none" | "hard-positives" | "hard-negatives" | "both" | "semi-hard") => {
      const pools = await minePools(vectors, labels, { ...settings, policy });
      assert.equal(pools.positiveStart.length, places.length + 1);
      assert.equal(pools.negativeStart.length, places.length + 1);
      return pools;
    };
    const both = await mined("both");
    const [none, positives, negatives] = [
      await mined("none"),
      await mined("hard-positives"),
      await mined("hard-negatives"),
    ];
    assert.deepEqual([none.positives.length, none.negatives.length], [0, 0]);
    assert.deepEqual([positives.positives, positives.negatives.length], [both.positives, 0]);
    assert.deepEqual([negatives.positives.length, negatives.negatives], [0, both.negatives]);

    const semiHard = await mined("semi-hard");
    assert.equal(semiHard.positives.length, 0);
    let found = 0;
    for (const anchor of places.filter((place) => labels[place]! >= 0)) {
      const distance = to(anchor);
      const own = sameLabel(anchor).map(distance);
      const beyond = own.reduce((sum, value) => sum + value, 0) / own.length;
      const expected = otherLabel(anchor)
        .filter((place) => distance(place) > beyond && distance(place) < semiHard.bands.negativePeak)
        .sort((left, right) => distance(left) - distance(right))
        .slice(0, 6);
      assert.deepEqual(negativesOf(semiHard, anchor), expected);
      found += expected.length;
    }
    assert.ok(found > 100);
  });

  it("leave out what is excluded, as anchor and as partner, and mine only for the anchors asked for", async () => {
    const exclude = [1, 2, 3, 50, 51];
    const pools = await minePools(vectors, labels, { ...settings, exclude });
    for (const place of exclude) {
      assert.ok(!pools.positives.includes(place) && !pools.negatives.includes(place));
      assert.deepEqual([...positivesOf(pools, place), ...negativesOf(pools, place)], []);
    }
    const some = await minePools(vectors, labels, { ...settings, exclude, anchors: [7, 3, 200] });
    for (const anchor of places) {
      const asked = anchor === 7 || anchor === 200;
      assert.deepEqual(positivesOf(some, anchor), asked ? positivesOf(pools, anchor) : []);
      assert.deepEqual(negativesOf(some, anchor), asked ? negativesOf(pools, anchor) : []);
    }
  });

  it("trim the pairs of wrong labels first", async () => {
    const { vectors: tight, labels: right } = drawClusters({ seed: 5, labels: 4, photos: 300, dims: 12, spread: 0.4 });
    const wrong = right.slice();
    wrong[17] = (right[17]! + 1) % 4;
    const withTrim = async (trim: number) => {
      const pools = await minePools(tight, wrong, { ...settings, policy: "hard-positives", trim });
      return pools.positives.filter((place) => place === 17).length;
    };
    assert.ok((await withTrim(0)) > 50, "the wrong one is everybody's farthest");
    assert.equal(await withTrim(0.06), 0);
  });
});

describe("sampled triplets", () => {
  it("are mined partners with their distances, the most wrong first", async () => {
    const pools = await minePools(vectors, labels, settings);
    const triplets = sampleTriplets(vectors, labels, pools, { count: 30, seed: 2 });
    assert.equal(triplets.length, 30);
    assert.equal(new Set(triplets.map(({ anchor }) => anchor)).size, 30);
    for (const { anchor, positive, negative, positiveDistance, negativeDistance } of triplets) {
      assert.equal(labels[positive], labels[anchor]);
      assert.ok(positive !== anchor && labels[negative]! >= 0 && labels[negative] !== labels[anchor]);
      const mined = positivesOf(pools, anchor);
      if (mined.length > 0) assert.equal(positive, mined[0]);
      close(positiveDistance, distanceOf(vectors, anchor, positive), 1e-9);
      close(negativeDistance, distanceOf(vectors, anchor, negative), 1e-9);
    }
    const wrongness = triplets.map(({ positiveDistance, negativeDistance }) => positiveDistance - negativeDistance);
    assert.deepEqual(
      wrongness,
      [...wrongness].sort((left, right) => right - left),
    );
    assert.deepEqual(sampleTriplets(vectors, labels, pools, { count: 30, seed: 2 }), triplets);
  });

  it("are made up of drawn photos where nothing is mined", () => {
    for (const { anchor, positive, negative } of sampleTriplets(vectors, labels, undefined, { count: 10, seed: 2 })) {
      assert.equal(labels[positive], labels[anchor]);
      assert.ok(labels[negative]! >= 0 && labels[negative] !== labels[anchor]);
    }
    assert.deepEqual(sampleTriplets(vectors, new Int32Array(260), undefined, { count: 5, seed: 1 }), []);
  });
});

describe("findDuplicates", () => {
  /** Photos with copies that differ a little, shuffled. */
  function drawCopies(photos: number) {
    const random = createRandom(8);
    const rows: { row: Float32Array; of: number }[] = [];
    for (let of = 0; of < photos; of++) {
      const row = random.vector(16);
      const copies = of % 10 === 0 ? 1 + random.below(40) : of % 3 === 0 ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const noise = random.vector(16);
        rows.push({ row: unit(row.map((value, at) => value + 0.02 * noise[at]!)), of });
      }
    }
    for (let at = rows.length - 1; at > 0; at--) {
      const other = random.below(at + 1);
      [rows[at], rows[other]] = [rows[other]!, rows[at]!];
    }
    return rows;
  }

  /** Chains of close pairs, by a double loop. */
  function plainGroups(all: ReturnType<typeof join>, distance: number): number[] {
    const group = Array.from({ length: all.count }, (_, place) => place);
    for (let left = 0; left < all.count; left++) {
      for (let right = left + 1; right < all.count; right++) {
        if (distanceOf(all, left, right) > distance) continue;
        const [from, into] = [Math.max(group[left]!, group[right]!), Math.min(group[left]!, group[right]!)];
        for (const place of group.keys()) if (group[place] === from) group[place] = into;
      }
    }
    const alone = new Set(group.filter((own) => group.filter((other) => other === own).length === 1));
    const numbers = [...new Set(group)].filter((own) => !alone.has(own));
    return group.map((own) => numbers.indexOf(own));
  }

  it("numbers the groups that a double loop finds, large ones too", async () => {
    const all = join(drawCopies(120).map(({ row }) => row));
    assert.deepEqual([...(await findDuplicates(all, { distance: 0.002 }))], plainGroups(all, 0.002));
    assert.deepEqual(
      [...(await findDuplicates(all, { distance: 1e-7 }))],
      all.count === 0 ? [] : Array(all.count).fill(-1),
    );
  });

  it("links two crowds whose photos are all nearest to their own", async () => {
    const random = createRandom(12);
    const centre = random.vector(16);
    const crowd = (by: number) => {
      const moved = unit(centre.map((value, at) => (at === 0 ? value + by : value)));
      return Array.from({ length: 9 }, () => {
        const noise = random.vector(16);
        return unit(moved.map((value, at) => value + 0.002 * noise[at]!));
      });
    };
    const all = join([...crowd(0), ...crowd(0.05)]);
    assert.deepEqual([...(await findDuplicates(all, { distance: 0.002 }))], Array(18).fill(0));
    assert.equal(Math.max(...(await findDuplicates(all, { distance: 0.0005 }))), 1);
  });

  it("finds the same by landmarks, which is how a large catalog is searched", async () => {
    const all = join(drawCopies(400).map(({ row }) => row));
    const exact = await findDuplicates(all, { distance: 0.002 });
    assert.deepEqual(await findDuplicates(all, { distance: 0.002, exactUpTo: 100 }), exact);
  });
});
