import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BatchSampler, createBatchSampler, type MinedPools, type SampledBatch } from "../../src/mining/index.js";
import { createRandom } from "../support/random-catalog.js";

const photos = 200;
const labels = Int32Array.from({ length: photos }, (_, place) => (place % 17 === 0 ? -1 : place % 8));
const plain = { labelsPerBatch: 4, photosPerLabel: 5, views: 3, seed: 11 };

/** Pools of three positives and two negatives a photo; photos of label 3 have none. */
function drawPools(): MinedPools {
  const random = createRandom(5);
  const some = (count: number, fits: (place: number) => boolean): number[] => {
    const all = Array.from({ length: photos }, (_, place) => place).filter(fits);
    return Array.from({ length: count }, () => all.splice(random.below(all.length), 1)[0]!);
  };
  const positives: number[] = [];
  const negatives: number[] = [];
  const positiveStart = [0];
  const negativeStart = [0];
  for (let place = 0; place < photos; place++) {
    const label = labels[place]!;
    if (label >= 0 && label !== 3) {
      positives.push(...some(3, (other) => other !== place && labels[other] === label));
      negatives.push(...some(2, (other) => labels[other]! >= 0 && labels[other] !== label));
    }
    positiveStart.push(positives.length);
    negativeStart.push(negatives.length);
  }
  return {
    positives: Int32Array.from(positives),
    positiveStart: Int32Array.from(positiveStart),
    negatives: Int32Array.from(negatives),
    negativeStart: Int32Array.from(negativeStart),
    bands: { positivePeak: 0.2, negativePeak: 0.8 },
  };
}

const take = (sampler: BatchSampler, count: number): SampledBatch[] =>
  Array.from({ length: count }, () => sampler.next());

function countBy(values: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

describe("a batch sampler", () => {
  it("draws K distinct photos of each of P labels", () => {
    const sampler = createBatchSampler({ rules: [{ labels, weight: 1 }], ...plain });
    assert.equal(sampler.size, 20);
    for (const batch of take(sampler, 50)) {
      assert.deepEqual([...countBy(batch.labels).values()], [5, 5, 5, 5]);
      assert.equal(new Set(batch.photos).size, 20);
      assert.deepEqual(
        [...batch.labels],
        [...batch.photos].map((photo) => labels[photo]),
      );
      assert.ok(batch.views.every((view) => view >= 0 && view < 3));
      assert.ok(batch.anchors.every((anchor) => anchor === 1));
    }
  });

  it("shows every label, photo and view about equally often", () => {
    const batches = take(createBatchSampler({ rules: [{ labels, weight: 1 }], ...plain }), 2000);
    const shown = countBy(batches.flatMap(({ photos: drawn }) => [...drawn]));
    const labelled = labels.filter((label) => label >= 0).length;
    assert.equal(shown.size, labelled);
    for (const [photo, times] of shown) {
      // Labels are drawn equally often, whatever their size; 5 deviations of what chance allows.
      const expected = (2000 * 20) / 8 / labels.filter((label) => label === labels[photo]).length;
      assert.ok(Math.abs(times - expected) < 5 * Math.sqrt(expected), `photo ${photo}: ${times} of ${expected}`);
    }
    for (const times of countBy(batches.flatMap(({ views }) => [...views])).values()) {
      assert.ok(Math.abs(times - 40_000 / 3) < 700);
    }
  });

  it("draws by each rule as often as its weight says", () => {
    const rules = [
      { labels, weight: 2 },
      { labels: labels.map((_, place) => place), weight: 1 },
      { labels: labels.map((_, place) => place % 3), weight: 0.5 },
    ];
    const turns = countBy(take(createBatchSampler({ rules, ...plain }), 700).map(({ rule }) => rule));
    for (const [rule, expected] of [400, 200, 100].entries()) {
      assert.ok(Math.abs(turns.get(rule)! - expected) <= 5, `rule ${rule}: ${turns.get(rule)}`);
    }
  });

  it("shows views of one photo as positives when each photo is its own label", () => {
    const own = labels.map((_, place) => place);
    const sampler = createBatchSampler({ rules: [{ labels: own, weight: 1 }], ...plain, photosPerLabel: 3 });
    for (const batch of take(sampler, 20)) {
      assert.deepEqual([...countBy(batch.photos).values()], [3, 3, 3, 3]);
      const shown = [...batch.photos].map((photo, at) => `${photo}/${batch.views[at]}`);
      assert.equal(new Set(shown).size, 12, "no view twice");
    }
    assert.throws(() => createBatchSampler({ rules: [{ labels: own, weight: 1 }], ...plain, views: 1 }), {
      code: "NOT_ENOUGH_DATA",
    });
  });

  it("makes up for labels that run short, and never draws one of a single photo alone", () => {
    const short = Int32Array.of(0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5);
    const sampler = createBatchSampler({
      rules: [{ labels: short, weight: 1 }],
      ...plain,
      views: 1,
      photosPerLabel: 3,
    });
    for (const batch of take(sampler, 100)) {
      assert.equal(batch.photos.length, 12);
      const counts = countBy(batch.labels);
      assert.ok(counts.size >= 4);
      assert.ok(!counts.has(2));
      assert.ok([...counts.values()].every((count) => count > 1));
    }
  });

  it("always holds two labels, also of the smallest catalog", () => {
    const tiny = Int32Array.of(0, 0, 1, 1);
    const sampler = createBatchSampler({ rules: [{ labels: tiny, weight: 1 }], ...plain, views: 1 });
    for (const batch of take(sampler, 20)) {
      assert.equal(batch.photos.length, 20);
      assert.equal(countBy(batch.labels).size, 2);
    }
    for (const few of [Int32Array.of(0, 0, 0), Int32Array.of(0, 0, 1), Int32Array.of(-1, -1), Int32Array.of()]) {
      const make = () => createBatchSampler({ rules: [{ labels: few, weight: 1 }], ...plain, views: 1 });
      assert.throws(make, { code: "NOT_ENOUGH_DATA" });
    }
  });

  it("lets every anchor meet a mined positive and negatives, in batches of one size", () => {
    const pools = drawPools();
    const sampler = createBatchSampler({
      rules: [{ labels, weight: 1 }],
      ...plain,
      injectPositives: 1,
      injectNegatives: 2,
    });
    assert.equal(sampler.size, 80);
    sampler.setPools(pools);
    let injected = 0;
    for (const batch of take(sampler, 60)) {
      assert.equal(batch.photos.length, 80);
      assert.deepEqual(
        [...batch.labels],
        [...batch.photos].map((photo) => labels[photo]),
      );
      const present = new Set(batch.photos);
      for (const anchor of batch.photos.subarray(0, 20)) {
        const positives = pools.positives.subarray(pools.positiveStart[anchor]!, pools.positiveStart[anchor + 1]!);
        const negatives = pools.negatives.subarray(pools.negativeStart[anchor]!, pools.negativeStart[anchor + 1]!);
        assert.equal(positives.length > 0, labels[anchor] !== 3);
        if (positives.length > 0) assert.ok(positives.some((photo) => present.has(photo)));
        assert.ok(negatives.every((photo) => present.has(photo)));
      }
      assert.ok(batch.anchors.subarray(0, 20).every((anchor) => anchor === 1));
      injected += batch.anchors.filter((anchor) => anchor === 0).length;
    }
    assert.ok(injected > 60 * 20);
  });

  it("fills the places of partners with photos while nothing is mined", () => {
    const sampler = createBatchSampler({ rules: [{ labels, weight: 1 }], ...plain, injectPositives: 1 });
    const batch = sampler.next();
    assert.equal(batch.photos.length, 40);
    assert.ok(batch.anchors.every((anchor) => anchor === 1));
  });

  it("never draws what is excluded, injected partners included", () => {
    const always = [1, 2, 3];
    const sampler = createBatchSampler({
      rules: [{ labels, weight: 1 }],
      ...plain,
      injectPositives: 2,
      injectNegatives: 1,
      exclude: always,
    });
    sampler.setPools(drawPools());
    const later = Array.from({ length: 60 }, (_, at) => 3 * at + 4);
    const drawn = () => new Set(take(sampler, 80).flatMap((batch) => [...batch.photos]));
    assert.ok(later.some((place) => drawn().has(place)));
    sampler.setExcluded(later);
    const without = drawn();
    for (const place of [...always, ...later]) assert.ok(!without.has(place), `photo ${place}`);
    sampler.setExcluded([]);
    const again = drawn();
    assert.ok(later.some((place) => again.has(place)));
    assert.ok(always.every((place) => !again.has(place)));
  });

  it("keeps what it has when too little would be left", () => {
    const sampler = createBatchSampler({ rules: [{ labels, weight: 1 }], ...plain });
    const state = sampler.state();
    const onlyOne = [...labels.keys()].filter((place) => labels[place] !== 0);
    assert.throws(() => sampler.setExcluded(onlyOne), { code: "NOT_ENOUGH_DATA" });
    assert.deepEqual(sampler.state(), state);
    sampler.next();
  });

  it("draws the same from the same seed, another from another", () => {
    const make = (seed: number) => createBatchSampler({ rules: [{ labels, weight: 1 }], ...plain, seed });
    assert.deepEqual(take(make(3), 5), take(make(3), 5));
    assert.notDeepEqual(take(make(3), 1), take(make(4), 1));
    const [first, second] = take(make(3), 2);
    assert.notDeepEqual(first, second);
  });

  it("goes on with the same batches from its state, pools and exclusions included", () => {
    const options = { rules: [{ labels, weight: 1 }], ...plain, injectPositives: 1, injectNegatives: 1 };
    const sampler = createBatchSampler(options);
    sampler.setPools(drawPools());
    sampler.setExcluded([8, 16, 24]);
    take(sampler, 7);
    const state = JSON.parse(JSON.stringify(sampler.state()));
    const expected = take(sampler, 5);
    const resumed = createBatchSampler(options);
    resumed.restore(state);
    assert.deepEqual(take(resumed, 5), expected);
    assert.throws(() => resumed.restore({ ...state, photos: 3 }), RangeError);
  });
});
