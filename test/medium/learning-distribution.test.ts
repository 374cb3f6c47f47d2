import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createDistributions, type Distributions, saveDistribution } from "../../src/learning/distribution/index.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { drawCatalog, loadCatalog, type RandomProduct } from "../support/random-catalog.js";
import { distance } from "../support/similar-oracle.js";

describeOnBothDatabases("distributions of distances", (open) => {
  let test: TestDatabase;
  let distributions: Distributions;
  let catalog: RandomProduct[];
  let modelId: number;

  before(async () => {
    test = await open();
    const { database } = test;
    const vectors = createVectors({ database, logger: testLogger });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: 6 })).id;
    distributions = createDistributions({ database, vectors, models });
    catalog = drawCatalog(17, 120, 6);
  });
  after(() => test.drop());

  it("says what is missing in an empty catalog, and loads nothing", async () => {
    await assert.rejects(distributions.measure({ model: "active", labels: "category", split: "all" }), {
      code: "NOT_ENOUGH_DATA",
      message: /0 photos with a vector of base-1 carry 0 different labels/,
    });
    assert.equal(await distributions.find({ model: "active", labels: "category" }), undefined);
    await loadCatalog(test.database, createVectors({ database: test.database, logger: testLogger }), modelId, catalog);
  });

  for (const split of ["all", "test"] as const) {
    it(`counts each pair of photos once, of ${split} products`, async () => {
      const photos = catalog
        .filter(({ status, deleted }) => status === "ACTIVE" && !deleted)
        .filter((product) => split === "all" || product.split === "TEST")
        .filter(({ category }) => category.length > 0)
        .flatMap(({ category, photos }) =>
          photos.flatMap(({ vector }) => (vector === undefined ? [] : [{ label: category.join(" > "), vector }])),
        );
      const sums = { positive: [0, 0], negative: [0, 0] };
      for (const [at, left] of photos.entries()) {
        for (const right of photos.slice(at + 1)) {
          const kind = left.label === right.label ? sums.positive : sums.negative;
          kind[0]! += 1;
          kind[1]! += distance(left.vector, right.vector);
        }
      }
      const { report, model } = await distributions.measure({ model: "active", labels: "category", split });
      assert.equal(model, "base-1");
      assert.deepEqual(
        [report.photos, report.positivePairs, report.negativePairs, report.allNegatives],
        [photos.length, sums.positive[0], sums.negative[0], true],
      );
      // Half precision and bins.
      assert.ok(Math.abs(report.meanPositive - sums.positive[1]! / sums.positive[0]!) < 0.005);
      assert.ok(Math.abs(report.meanNegative - sums.negative[1]! / sums.negative[0]!) < 0.005);
      const counted = report.positive.counts.reduce((sum, count) => sum + count, 0);
      assert.equal(counted, report.positivePairs);
    });
  }

  it("keeps the report of all products, by model and labels, the newest only", async () => {
    const { report } = await distributions.measure({ model: "active", labels: "category", split: "all" });
    await distributions.measure({ model: "active", labels: "category", split: "test" });
    const kept = await distributions.find({ model: String(modelId), labels: "category" });
    assert.deepEqual(kept?.report, report);
    assert.ok(kept!.createdAt instanceof Date);
    await distributions.measure({ model: "active", labels: "product", split: "all" });
    const changed = { ...report, dPrime: 9 };
    await saveDistribution(test.database, modelId, "category", changed);
    assert.equal((await distributions.find({ model: "base", labels: "category" }))?.report.dPrime, 9);
    assert.notEqual((await distributions.find({ model: "base", labels: "product" }))?.report.dPrime, 9);
  });

  it("loses a report with its model, silently", async () => {
    const { report } = (await distributions.find({ model: "base", labels: "category" }))!;
    await saveDistribution(test.database, 4711, "category", report);
    const [row] = await test.database.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM distance_distribution WHERE model_id = 4711",
    );
    assert.equal(row?.count, 0);
  });

  it("refuses what it does not know", async () => {
    for (const [request, field] of [
      [{ model: "newest", labels: "category" }, "model"],
      [{ model: "active", labels: "taste" }, "labels"],
    ] as const) {
      await assert.rejects(distributions.measure({ ...request, split: "all" }), {
        code: "BAD_USER_INPUT",
        field: [field],
      });
      await assert.rejects(distributions.find(request), { code: "BAD_USER_INPUT" });
    }
    await assert.rejects(
      distributions.measure({ model: "active", labels: "category", split: "all" }, AbortSignal.abort()),
      { name: "AbortError" },
    );
  });
});
