import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createEvaluation, type Evaluation, type EvaluationRequest } from "../../src/evaluation/index.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { drawCatalog, loadCatalog, type RandomProduct } from "../support/random-catalog.js";
import { distance, productVector } from "../support/similar-oracle.js";

interface Item {
  readonly vector: Float32Array;
  readonly label: string;
  readonly split: string;
}

describeOnBothDatabases("evaluation", (open) => {
  let test: TestDatabase;
  let evaluation: Evaluation;
  let catalog: RandomProduct[];
  let modelId: number;

  before(async () => {
    test = await open();
    const { database } = test;
    const vectors = createVectors({ database, logger: testLogger });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: 6 })).id;
    evaluation = createEvaluation({ vectors, models });
    catalog = drawCatalog(31, 300, 6);
    await assert.rejects(evaluation.evaluate({ model: "active", labels: "category", split: "all", gallery: "same" }), {
      code: "NOT_ENOUGH_DATA",
      message: /Import products/,
    });
    await loadCatalog(database, vectors, modelId, catalog);
  });
  after(() => test.drop());

  const labelsOf: Record<string, (product: RandomProduct) => string> = {
    category: ({ category }) => category.join("/"),
    group: ({ group, source }) => (group === undefined ? "" : `${source}/${group}`),
    "attribute:color": ({ attributes }) => [...(attributes.color ?? [])].sort().join("/"),
  };

  function itemsOf(labels: string): Item[] {
    const shown = catalog.filter(({ status, deleted }) => status === "ACTIVE" && !deleted);
    if (labels === "product") {
      return shown.flatMap(({ id, split, photos }) =>
        photos.flatMap(({ vector }) => (vector === undefined ? [] : [{ vector, label: String(id), split }])),
      );
    }
    return shown.flatMap((product) => {
      const vector = productVector(product);
      return vector === undefined ? [] : [{ vector, label: labelsOf[labels]!(product), split: product.split }];
    });
  }

  /** Sorts everything and follows the definitions word by word. */
  function bruteForce({ labels, split, gallery }: EvaluationRequest) {
    const items = itemsOf(labels);
    const asked = items.filter((item) => split === "all" || item.split === "TEST");
    const searched = gallery === "train" ? items.filter((item) => item.split === "TRAIN") : asked;
    const sums = { recallAt1: 0, recallAt10: 0, precisionAt1: 0, precisionAt10: 0, mapAtR: 0, meanAveragePrecision: 0 };
    let queries = 0;
    for (const query of asked) {
      if (query.label === "") continue;
      const others = searched.filter((item) => item !== query);
      const hits = others
        .map((item) => ({ item, far: distance(query.vector, item.vector) }))
        .sort((left, right) => left.far - right.far)
        .map(({ item }) => item.label === query.label);
      const relevant = hits.filter(Boolean).length;
      if (relevant === 0) continue;
      queries += 1;
      const precision = (k: number) => hits.slice(0, k).filter(Boolean).length / Math.min(k, hits.length);
      sums.recallAt1 += Number(hits[0]);
      sums.recallAt10 += Number(hits.slice(0, 10).some(Boolean));
      sums.precisionAt1 += precision(1);
      sums.precisionAt10 += precision(10);
      for (const [at, hit] of hits.entries()) {
        if (!hit) continue;
        sums.meanAveragePrecision += precision(at + 1) / relevant;
        if (at < relevant) sums.mapAtR += precision(at + 1) / relevant;
      }
    }
    const means = Object.entries(sums).map(([name, sum]) => [name, sum / queries] as const);
    return { queries, gallery: searched.length, means };
  }

  for (const labels of ["category", "group", "product", "attribute:color"]) {
    for (const [split, gallery] of [
      ["all", "same"],
      ["test", "same"],
      ["test", "train"],
    ] as const) {
      // Photos of one product are all in one split.
      if (labels === "product" && gallery === "train") continue;
      it(`equals brute force for ${labels}, ${split} against ${gallery}`, async () => {
        const request = { model: "active", labels, split, gallery };
        const report = await evaluation.evaluate(request);
        const expected = bruteForce(request);
        assert.deepEqual([report.queries, report.gallery], [expected.queries, expected.gallery]);
        assert.ok(report.queries > 3);
        for (const [name, value] of expected.means) {
          // Half precision may swap near-equal neighbours.
          const found = report[name as keyof typeof report] as number;
          assert.ok(Math.abs(found - value) < 0.02, `${name}: ${found}, not ${value}`);
        }
      });
    }
  }

  it("knows the model by name and id", async () => {
    const request = { labels: "category", split: "test", gallery: "train" } as const;
    const [active, base, byId] = await Promise.all(
      ["active", "base", String(modelId)].map((model) => evaluation.evaluate({ ...request, model })),
    );
    assert.deepEqual({ ...active, seconds: 0 }, { ...base, seconds: 0 });
    assert.deepEqual({ ...active, seconds: 0 }, { ...byId, seconds: 0 });
    assert.deepEqual([active?.labels, active?.split], ["category", "test"]);
  });

  it("says what is wrong", async () => {
    const request = { model: "active", labels: "category", split: "all", gallery: "same" } as const;
    for (const labels of ["colour", "attribute:", ""]) {
      await assert.rejects(evaluation.evaluate({ ...request, labels }), { code: "BAD_USER_INPUT", field: ["labels"] });
    }
    for (const model of ["newest", "999", "-1", ""]) {
      await assert.rejects(evaluation.evaluate({ ...request, model }), { code: "BAD_USER_INPUT", field: ["model"] });
    }
    await assert.rejects(evaluation.evaluate({ ...request, labels: "attribute:none" }), { code: "NOT_ENOUGH_DATA" });
    await assert.rejects(evaluation.evaluate({ ...request, labels: "product", split: "test", gallery: "train" }), {
      code: "NOT_ENOUGH_DATA",
      message: /None of the \d+ queries/,
    });
    await assert.rejects(evaluation.evaluate(request, AbortSignal.abort()), { name: "AbortError" });
  });
});
