import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findSuspects, nearest, type UnitVectors } from "../../src/mining/index.js";
import { distanceOf, drawClusters, join } from "../support/mining-samples.js";
import { createRandom } from "../support/random-catalog.js";

function plainNearest(queries: UnitVectors, gallery: UnitVectors, k: number, excludeSame: boolean) {
  const both = join([...rowsOf(queries), ...rowsOf(gallery)]);
  return Array.from({ length: queries.count }, (_, query) =>
    Array.from({ length: gallery.count }, (_, place) => ({
      place,
      similarity: 1 - distanceOf(both, query, queries.count + place),
    }))
      .filter(({ place }) => !excludeSame || place !== query)
      .sort((left, right) => right.similarity - left.similarity || left.place - right.place)
      .slice(0, k),
  );
}

function rowsOf({ data, count, dims }: UnitVectors): Float32Array[] {
  return Array.from({ length: count }, (_, row) => data.subarray(row * dims, (row + 1) * dims));
}

describe("nearest", () => {
  it("gives what comparing everything gives, over several blocks of queries", async () => {
    const gallery = drawClusters({ seed: 1, labels: 5, photos: 333, dims: 24, spread: 0.8 }).vectors;
    const queries = drawClusters({ seed: 2, labels: 5, photos: 300, dims: 24, spread: 0.8 }).vectors;
    const found = await nearest(queries, gallery, 7);
    const expected = plainNearest(queries, gallery, 7, false);
    assert.deepEqual(
      [...found.places],
      expected.flatMap((row) => row.map(({ place }) => place)),
    );
    for (const [at, { similarity }] of expected.flat().entries()) {
      assert.ok(Math.abs(found.similarities[at]! - similarity) < 1e-5);
    }
  });

  it("merges blocks of a large gallery, copies in order of their places", async () => {
    const random = createRandom(4);
    const kinds = Array.from({ length: 40 }, () => random.vector(4));
    const gallery = join(Array.from({ length: 40_000 }, (_, at) => kinds[(at * 7) % 40]!));
    const found = await nearest(join(kinds), gallery, 5);
    for (const kind of kinds.keys()) {
      const first = Array.from({ length: 40 }, (_, at) => at).find((at) => (at * 7) % 40 === kind)!;
      const expected = [0, 1, 2, 3, 4].map((copy) => first + 40 * copy);
      assert.deepEqual([...found.places.subarray(kind * 5, kind * 5 + 5)], expected);
    }
  });

  it("never gives a photo as its own neighbour, though others are equal to it", async () => {
    const [a, b] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    const vectors = join([a, a, b, a]);
    const { places } = await nearest(vectors, vectors, 3, { excludeSame: true });
    assert.deepEqual([...places], [1, 3, 2, 0, 3, 2, 0, 1, 3, 0, 1, 2]);
  });

  it("fills up with −1 where there are fewer", async () => {
    const vectors = join([Float32Array.of(1, 0), Float32Array.of(0, 1)]);
    assert.deepEqual([...(await nearest(vectors, vectors, 3, { excludeSame: true })).places], [1, -1, -1, 0, -1, -1]);
    const none = { data: new Float32Array(0), count: 0, dims: 2 };
    assert.deepEqual([...(await nearest(vectors, none, 2)).places], [-1, -1, -1, -1]);
    assert.equal((await nearest(none, vectors, 2)).places.length, 0);
  });

  it("stops when asked to", async () => {
    const { vectors } = drawClusters({ seed: 1, labels: 2, photos: 50, dims: 8, spread: 1 });
    await assert.rejects(nearest(vectors, vectors, 1, { signal: AbortSignal.abort() }), { name: "AbortError" });
  });
});

describe("findSuspects", () => {
  const { vectors, labels } = drawClusters({ seed: 7, labels: 4, photos: 240, dims: 16, spread: 0.5 });

  it("finds the photos whose labels were swapped, with the labels they had", async () => {
    const wrong = labels.slice();
    const swapped = [3, 50, 77, 120, 199];
    for (const place of swapped) wrong[place] = (labels[place]! + 1) % 4;
    const suspects = await findSuspects(vectors, wrong);
    assert.deepEqual(
      suspects.map(({ photo }) => photo).sort((a, b) => a - b),
      swapped,
    );
    for (const { photo, label, suggested, agreement } of suspects) {
      assert.equal(suggested, labels[photo]);
      assert.equal(label, wrong[photo]);
      assert.ok(agreement < 0.15);
    }
    assert.deepEqual(await findSuspects(vectors, labels), []);
  });

  it("neither judges nor asks photos without a label", async () => {
    const some = labels.map((label, place) => (label === 0 && place !== labels.indexOf(0) ? -1 : label));
    assert.deepEqual(await findSuspects(vectors, some), [], "the last of its label cannot be judged");
  });

  it("measures a small label by how many others it has", async () => {
    // Two photos of one product among hundreds: each is the other's nearest.
    const pairs = Int32Array.from(labels, (label) => label + 1);
    const near = join([...rowsOf(vectors), vectors.data.slice(0, 16), vectors.data.slice(0, 16)]);
    const suspects = await findSuspects(near, Int32Array.of(...pairs, 0, 0));
    assert.deepEqual(
      suspects.filter(({ label }) => label === 0),
      [],
    );
  });

  it("does not ask a product's photos about each other", async () => {
    const at = labels.indexOf(1);
    const copies = Array.from({ length: 6 }, () => vectors.data.slice(at * 16, (at + 1) * 16));
    const all = join([...rowsOf(vectors), ...copies]);
    const wrong = Int32Array.of(...labels, 0, 0, 0, 0, 0, 0);
    const groups = Int32Array.from(wrong, (_, place) => Math.min(place, labels.length));
    const photos = (await findSuspects(all, wrong, { groups })).map(({ photo }) => photo);
    assert.deepEqual(
      photos,
      [0, 1, 2, 3, 4, 5].map((copy) => labels.length + copy),
    );
  });
});
