import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NothingToEvaluate } from "../../src/evaluation/evaluation.errors.js";
import { createJudge, heldOutOf, type QueryResult } from "../../src/evaluation/index.js";
import { eachFigure } from "../../src/evaluation/ranking-metrics.js";
import { createRandom } from "../support/random-catalog.js";

interface Answer {
  readonly recallAt1: number;
  readonly mapAtR: number;
}

/** A judge over results given by hand: candidate 2 against live 1. */
function judging(
  candidate: readonly Answer[],
  live: readonly Answer[],
  clusterOf = (at: number) => String(at),
  learned?: string[],
) {
  const results = (answers: readonly Answer[]): QueryResult[] =>
    answers.map((answer, at) => ({
      item: BigInt(at),
      productId: BigInt(at),
      label: at % 2 === 0 ? "even" : "odd",
      shelf: at % 2 === 0 ? "even" : "odd",
      cluster: clusterOf(at),
      figures: { ...eachFigure(() => answer.mapAtR), recallAt1: answer.recallAt1 },
    }));
  const judge = createJudge({
    evaluation: {
      async measure(request) {
        const answers = request.model === "2" ? candidate : live;
        if (answers.length === 0) throw new NothingToEvaluate("nothing");
        return {
          model: { id: Number(request.model), name: request.model },
          request,
          results: results(answers),
          queriesWithoutRelevant: 0,
          gallery: 500,
          seconds: 0,
        };
      },
    },
  });
  return judge.judge(2, 1, {
    ...{ labels: "category", split: "test", gallery: "train" },
    ...(learned && { learned: new Set(learned) }),
  });
}

const answers = (count: number, of: (at: number) => Answer) => Array.from({ length: count }, (_, at) => of(at));
const hits = (count: number, every: number, mapAtR: number) =>
  answers(count, (at) => ({ recallAt1: Number(at % every !== 0), mapAtR }));

describe("the gate", () => {
  it("passes a candidate that is better by both figures", async () => {
    const decision = await judging(hits(200, 10, 0.6), hits(200, 2, 0.3));
    assert.equal(decision.passed, true);
    assert.equal(decision.verdict, "BETTER");
    assert.match(decision.reason, /R@1 0\.900 against 0\.500 \(\+0\.400/);
    assert.match(decision.reason, /MAP@R 0\.600 against 0\.300/);
    assert.ok(decision.intervals!.recallAt1.low > 0.3 && decision.intervals!.recallAt1.high < 0.5);
    assert.equal(decision.queries, 200);
    assert.deepEqual(decision.worse, []);
  });

  it("decides over all labels, and tells those that were learned from apart", async () => {
    // Even ones, which were learned, lose a little; odd ones gain much.
    const live = answers(200, (at) => ({ recallAt1: Number(at % 3 !== 0), mapAtR: 0.4 }));
    const candidate = answers(200, (at) => ({ recallAt1: 1, mapAtR: at % 2 === 0 ? 0.38 : 0.8 }));
    const decision = await judging(candidate, live, String, ["even"]);
    assert.equal(decision.verdict, "BETTER");
    assert.deepEqual([decision.queries, decision.learned?.queries, decision.unlearned?.queries], [200, 100, 100]);
    assert.ok(decision.learned!.differences.mapAtR < 0 && decision.unlearned!.differences.mapAtR > 0.3);
    assert.match(decision.reason, /that it learned from, 100 queries: R@1 .*MAP@R 0\.380 against 0\.400/);
    assert.match(decision.reason, /that it did not learn from, 100 queries: R@1 .*MAP@R 0\.800 against 0\.400/);
    const whole = await judging(candidate, live);
    assert.equal("learned" in whole, false);
  });

  it("refuses one that is worse, and one that is the same", async () => {
    const worse = await judging(hits(200, 2, 0.3), hits(200, 10, 0.6));
    assert.deepEqual([worse.passed, worse.verdict], [false, "NOT_BETTER"]);
    assert.match(worse.reason, /Not surely better by R@1 and MAP@R/);
    assert.deepEqual(worse.worse.map(({ label }) => label).sort(), ["even", "odd"]);
    const same = await judging(hits(200, 4, 0.5), hits(200, 4, 0.5));
    assert.deepEqual([same.passed, same.differences!.recallAt1], [false, 0]);
  });

  it("refuses one that gains by one figure and loses by the other", async () => {
    const decision = await judging(hits(200, 2, 0.9), hits(200, 10, 0.3));
    assert.equal(decision.passed, false);
    assert.match(decision.reason, /Not surely better by R@1 on/);
  });

  it("refuses a gain within chance", async () => {
    // 103 against 100 of 200 right, each on others' queries: 47 won, 44 lost.
    const random = createRandom(2);
    const live = answers(200, (at) => ({ recallAt1: Number(at < 100), mapAtR: random.below(100) / 100 }));
    const candidate = answers(200, (at) => ({
      recallAt1: Number((at >= 44 && at < 100) || (at >= 100 && at < 147)),
      mapAtR: live[(at * 7) % 200]!.mapAtR,
    }));
    const decision = await judging(candidate, live);
    assert.equal(decision.passed, false);
    assert.ok(decision.differences!.recallAt1 > 0);
    assert.ok(decision.intervals!.recallAt1.low < 0);
  });

  it("does not tell from fewer than thirty independent products", async () => {
    const few = await judging(hits(29, 30, 0.9), hits(29, 1, 0.1));
    assert.deepEqual([few.passed, few.verdict], [false, "TOO_FEW_QUERIES"]);
    assert.match(few.reason, /Only 29 .* 30 are needed/);
    assert.equal(few.candidate!.mapAtR.toFixed(3), "0.900", "the figures are told all the same");
    const variants = await judging(hits(120, 1000, 0.9), hits(120, 1, 0.1), (at) => String(at % 24));
    assert.deepEqual([variants.verdict, variants.queries, variants.clusters], ["TOO_FEW_QUERIES", 120, 24]);
    assert.equal((await judging(hits(30, 31, 0.9), hits(30, 1, 0.1))).passed, true);
  });

  it("does not tell from nothing, and says so", async () => {
    for (const [candidate, live] of [
      [[], []],
      [hits(50, 3, 0.5), []],
    ] as const) {
      const decision = await judging(candidate, live);
      assert.deepEqual([decision.passed, decision.verdict, decision.queries], [false, "TOO_FEW_QUERIES", 0]);
      assert.equal(decision.candidate, null);
      assert.match(decision.reason, /No held-out product/);
    }
  });

  it("is kept as JSON without loss", async () => {
    const decision = await judging(hits(200, 2, 0.3), hits(200, 10, 0.6));
    assert.deepEqual(JSON.parse(JSON.stringify(decision)), decision);
  });
});

describe("what a run held out", () => {
  const photos = (test: number, validation: number) =>
    [
      ...Array.from({ length: test }, (_, at) => ({ productId: String(at), split: "test" as const })),
      ...Array.from({ length: validation }, (_, at) => ({
        productId: String(1000 + at),
        split: "validation" as const,
      })),
      { productId: "5000", split: "train" as const },
    ].flatMap((photo) => [photo, photo]);

  it("asks the test products, and keeps validation out of the gallery", () => {
    const { asked, aside } = heldOutOf({ photos: photos(30, 10) }, ["test"]);
    assert.deepEqual([asked.size, aside.size], [30, 40]);
    assert.ok(asked.has(29n) && !asked.has(1000n) && !aside.has(5000n));
  });

  it("asks about labels that were not selected too, and keeps theirs out of the gallery", () => {
    const notSelected = [
      { productId: "6000", split: "test" as const },
      { productId: "6001", split: "validation" as const },
      { productId: "6002", split: "train" as const },
    ];
    const { asked, aside } = heldOutOf({ photos: photos(30, 10), notSelected }, ["test"]);
    assert.deepEqual([asked.size, aside.size], [31, 42]);
    assert.ok(asked.has(6000n) && aside.has(6001n) && !aside.has(6002n));
  });

  it("asks the validation products too when it is told to", () => {
    const { asked, aside } = heldOutOf({ photos: photos(29, 10) }, ["test", "validation"]);
    assert.deepEqual([asked.size, aside.size], [39, 39]);
  });
});
