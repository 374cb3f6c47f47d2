import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import {
  compareResults,
  createEvaluation,
  createJudge,
  type Evaluation,
  type EvaluationRequest,
} from "../../src/evaluation/index.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, drawCatalog, loadCatalog, type RandomProduct, unit } from "../support/random-catalog.js";
import { distance, productVector } from "../support/similar-oracle.js";

interface Item {
  readonly productId: bigint;
  readonly vector: Float32Array;
  readonly label: string;
  readonly split: string;
}

const plain = (labels: string): EvaluationRequest => ({ model: "active", labels, split: "all", gallery: "same" });

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
    category: ({ category }) => category.join(" > "),
    group: ({ group, source }) => (group === undefined ? "" : `${source} > ${group}`),
    "attribute:color": ({ attributes }) => [...(attributes.color ?? [])].sort().join(" > "),
  };

  function itemsOf(labels: string): Item[] {
    const shown = catalog.filter(({ status, deleted }) => status === "ACTIVE" && !deleted);
    if (labels === "product") {
      return shown.flatMap(({ id, split, photos }) =>
        photos.flatMap(({ vector }) =>
          vector === undefined ? [] : [{ productId: id, vector, label: `prod_${id}`, split }],
        ),
      );
    }
    return shown.flatMap((product) => {
      const vector = productVector(product);
      if (vector === undefined) return [];
      return [{ productId: product.id, vector, label: labelsOf[labels]!(product), split: product.split }];
    });
  }

  /** Sorts everything and follows the definitions word by word. */
  function bruteForce({ labels, split, gallery, onlyLabels, excludeLabels, heldOut }: EvaluationRequest) {
    const items = itemsOf(labels).filter(
      ({ label }) =>
        (onlyLabels === undefined || onlyLabels.includes(label)) &&
        (excludeLabels === undefined || (label !== "" && !excludeLabels.includes(label))),
    );
    const asked = items.filter((item) =>
      heldOut ? heldOut.asked.has(item.productId) : split === "all" || item.split === "TEST",
    );
    const trained = items.filter((item) => (heldOut ? !heldOut.aside.has(item.productId) : item.split === "TRAIN"));
    const searched = { same: asked, train: trained, all: items }[gallery];
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

  const aside = new Set(Array.from({ length: 120 }, (_, at) => BigInt(at * 2 + 1)));
  const asked = new Set([...aside].slice(0, 60));
  const selections: [string, EvaluationRequest][] = [
    ["all against all", { ...plain("category"), gallery: "all", split: "test" }],
    ["some labels only", { ...plain("category"), onlyLabels: ["shoes > boots", "bags"] }],
    ["without some labels", { ...plain("category"), excludeLabels: ["shoes", "bags"] }],
    [
      "products held out against what was learned",
      { ...plain("category"), gallery: "train", heldOut: { asked, aside } },
    ],
    ["photos held out against all", { ...plain("product"), gallery: "all", heldOut: { asked, aside } }],
  ];
  for (const [name, request] of selections) {
    it(`equals brute force for ${name}`, async () => {
      const report = await evaluation.evaluate(request);
      const expected = bruteForce(request);
      assert.deepEqual([report.queries, report.gallery], [expected.queries, expected.gallery]);
      assert.ok(report.queries > 10);
      for (const [figure, value] of expected.means) {
        const found = report[figure as keyof typeof report] as number;
        assert.ok(Math.abs(found - value) < 0.02, `${figure}: ${found}, not ${value}`);
      }
      assert.equal(
        report.byLabel.reduce((sum, { queries }) => sum + queries, 0),
        report.queries,
      );
      const { low, high } = report.intervals.mapAtR;
      assert.ok(low <= report.mapAtR && report.mapAtR <= high && low < high);
    });
  }

  it("compares a model with itself as equal", async () => {
    const measured = await evaluation.measure(plain("category"));
    const comparison = compareResults(measured.results, measured.results);
    assert.deepEqual(comparison?.intervals.mapAtR, { low: 0, high: 0 });
    assert.equal(comparison?.queries, measured.results.length);
  });

  it("passes a better model through the gate, and refuses one whose vectors are noise", async () => {
    const vectors = createVectors({ database: test.database, logger: testLogger });
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    const random = createRandom(8);
    const centres = new Map<string, Float32Array>();
    const modelWith = async (digest: string, of: (category: string) => Float32Array): Promise<number> => {
      const { id } = await models.ensureBase({ name: "test", digest, dims: 6 });
      // A photo that two products share gets the vector of the first.
      const rows = new Map<bigint, { blobId: bigint; vector: Float32Array }>();
      for (const product of catalog) {
        for (const { blobId, vector } of product.photos) {
          if (vector !== undefined && !rows.has(blobId)) {
            rows.set(blobId, { blobId, vector: of(product.category.join(" > ")) });
          }
        }
      }
      await vectors.writePhotos(test.database, id, [...rows.values()]);
      await vectors.refreshShowing(test.database, id, [...rows.keys()]);
      return id;
    };
    const better = await modelWith("better", (category) => {
      if (!centres.has(category)) centres.set(category, random.vector(6));
      const centre = centres.get(category)!;
      const own = random.vector(6);
      return unit(centre.map((value, at) => 3 * value + own[at]!));
    });
    const noise = await modelWith("noise", () => random.vector(6));
    const { judge } = createJudge({ evaluation });
    const request = {
      labels: "category",
      split: "test",
      gallery: "train",
      heldOut: { asked: aside, aside },
    } as const;
    const passed = await judge(better, modelId, request);
    assert.deepEqual([passed.passed, passed.verdict], [true, "BETTER"], passed.reason);
    assert.ok(passed.differences!.mapAtR > 0.2);
    const refused = await judge(noise, modelId, request);
    assert.deepEqual([refused.passed, refused.verdict], [false, "NOT_BETTER"], refused.reason);
    const back = await judge(modelId, better, request);
    assert.equal(back.verdict, "NOT_BETTER");
    assert.ok(back.worse.length > 0);
    const few = await judge(better, modelId, { ...request, heldOut: { asked: new Set([1n, 2n, 3n]), aside } });
    assert.equal(few.verdict, "TOO_FEW_QUERIES");
    const nobody = await judge(better, modelId, { ...request, heldOut: { asked: new Set<bigint>(), aside } });
    assert.deepEqual([nobody.verdict, nobody.candidate], ["TOO_FEW_QUERIES", null]);
    await assert.rejects(judge(9999, modelId, request), { code: "BAD_USER_INPUT" });
  });

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
    await assert.rejects(evaluation.evaluate({ ...request, onlyLabels: ["hats"] }), {
      code: "BAD_USER_INPUT",
      field: ["onlyLabels"],
      message: /There are "bags", "shoes", "shoes > boots"/,
    });
    await assert.rejects(evaluation.evaluate({ ...request, labels: "attribute:none" }), { code: "NOT_ENOUGH_DATA" });
    await assert.rejects(evaluation.evaluate({ ...request, labels: "product", split: "test", gallery: "train" }), {
      code: "NOT_ENOUGH_DATA",
      message: /None of the \d+ queries/,
    });
    await assert.rejects(evaluation.evaluate(request, AbortSignal.abort()), { name: "AbortError" });
  });
});
