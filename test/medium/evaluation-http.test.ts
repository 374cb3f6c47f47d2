import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { asAdmin, fillShop, openShop, type TestShop } from "../support/shop.js";

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly interval: { readonly low: number; readonly high: number };
}

const EVALUATION = `query ($labels: String!, $only: [String!], $against: String, $model: String) {
  evaluation(labels: $labels, onlyLabels: $only, against: $against, model: $model) {
    model queries gallery queriesWithoutRelevant seconds
    figures { name value interval { low high } }
    byLabel { label queries figures { name value } }
    comparison {
      model queries independentQueries
      differences { name value other difference interval { low high } }
      byLabel { label queries worse differences { name difference } }
    }
  }
}`;

describe("measuring over HTTP", () => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop("embedded");
    await fillShop(shop);
  });
  after(() => shop.close());

  const evaluate = (variables: Record<string, unknown>, headers: Record<string, string> = asAdmin) =>
    shop.ask<{ evaluation: Record<string, unknown> & { figures: Figure[]; byLabel: { label: string }[] } }>(
      EVALUATION,
      variables,
      headers,
    );

  it("evaluates a model, with intervals and by label", async () => {
    const { data, errors } = await evaluate({ labels: "category" });
    assert.equal(errors, undefined);
    const { evaluation } = data!;
    assert.deepEqual([evaluation.model, evaluation.queries, evaluation.gallery], ["base-1", 24, 24]);
    assert.deepEqual(
      evaluation.figures.map(({ name }) => name),
      ["recallAt1", "recallAt10", "mapAtR", "precisionAt1", "precisionAt10", "meanAveragePrecision"],
    );
    for (const { value, interval } of evaluation.figures) assert.ok(interval.low <= value && value <= interval.high);
    assert.deepEqual(
      evaluation.byLabel.map(({ label }) => label),
      ["Home > Bags", "Home > Lamps", "Home > Mugs", "Home > Plates"],
    );
    assert.equal(evaluation.comparison, null);
  });

  it("takes the labels that are asked for, and compares", async () => {
    const { data } = await evaluate({ labels: "category", only: ["Mugs", "Home > Bags"], against: "base" });
    const comparison = data!.evaluation.comparison as {
      queries: number;
      independentQueries: number;
      differences: (Figure & { difference: number; other: number })[];
      byLabel: { label: string; worse: boolean }[];
    };
    assert.deepEqual([data!.evaluation.queries, comparison.queries, comparison.independentQueries], [12, 12, 6]);
    for (const { difference, value, other } of comparison.differences)
      assert.deepEqual([difference, value], [0, other]);
    assert.deepEqual(
      comparison.byLabel.map(({ worse }) => worse),
      [false, false],
    );
  });

  it("takes a written null for nothing", async () => {
    const { data, errors } = await shop.ask<{ evaluation: { queries: number } }>(
      "{ evaluation(onlyLabels: null, excludeLabels: null, against: null) { queries } }",
      {},
      asAdmin,
    );
    assert.equal(errors, undefined);
    assert.equal(data!.evaluation.queries, 24);
  });

  it("measures distances once, keeps them, and measures again when asked to", async () => {
    const query = `query ($refresh: Boolean) { distanceDistribution(refresh: $refresh) {
      modelId model labels photos positivePairs negativePairs allNegatives positivePeak negativePeak easyPositives
      hardPositives hardNegatives easyNegatives overlap dPrime equalErrorThreshold equalErrorRate meanPositive
      meanNegative createdAt positive { from width counts } negative { counts }
    } }`;
    const ask = async (refresh: boolean) => {
      const { data, errors } = await shop.ask<{ distanceDistribution: Record<string, number | string> }>(
        query,
        { refresh },
        asAdmin,
      );
      assert.equal(errors, undefined);
      return data!.distanceDistribution;
    };
    const first = await ask(false);
    assert.deepEqual(
      [first.modelId, first.model, first.labels, first.photos, first.positivePairs, first.negativePairs],
      ["1", "base-1", "category", 24, 60, 216],
    );
    assert.deepEqual((await ask(false)).createdAt, (await ask(false)).createdAt);
    assert.notEqual((await ask(true)).createdAt, first.createdAt);
  });

  it("is for administrators, and names what is wrong", async () => {
    for (const query of ["{ evaluation { queries } }", "{ distanceDistribution { photos } }"]) {
      const { errors } = await shop.ask(query);
      assert.equal(errors?.[0]?.extensions.code, "UNAUTHENTICATED");
    }
    for (const [variables, message] of [
      [{ labels: "taste" }, /labels must be/],
      [{ labels: "category", only: ["Hats"] }, /no label "Hats"\. There are "Home > Bags"/],
      [{ labels: "category", model: "99" }, /model must be/],
      [{ labels: "category", against: "newest" }, /must be active, base/],
    ] as const) {
      const { errors } = await evaluate(variables);
      assert.equal(errors?.[0]?.extensions.code, "BAD_USER_INPUT");
      assert.match(errors![0]!.message, message);
    }
  });
});
