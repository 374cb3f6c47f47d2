import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { GateDecision } from "../../src/evaluation/index.js";
import { lookalike } from "../support/command-line.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";

interface RunAnswer {
  readonly state: string;
  readonly model: { readonly id: number; readonly state: string };
  readonly gate: GateDecision;
}

/** Copies of 24 products, so many that what is held out of their groups is more than the gate's thirty. */
const COPIES = 24;

describe("a model trained on shuffled labels", () => {
  let shop: TinyShop;
  before(async () => {
    shop = await openTinyShop("embedded", COPIES);
  });
  after(() => shop.close());

  it("is refused by the gate, and the encoder as it came goes on answering", async () => {
    const { code, stdout, stderr } = await lookalike(
      [
        "train",
        "--positives",
        "attribute:color",
        "--recipe",
        "head",
        "--budget-minutes",
        "0.1",
        "--shuffle-labels",
        "--wait",
        "--json",
      ],
      { LOOKALIKE_DATA: shop.config.data, LOOKALIKE_ENCODER: "tiny" },
    );
    assert.equal(code, 0, stderr);
    const run = JSON.parse(stdout) as RunAnswer;
    assert.equal(run.state, "SUCCEEDED");
    assert.deepEqual([run.gate.passed, run.gate.verdict], [false, "NOT_BETTER"], run.gate.reason);
    assert.ok(run.gate.clusters >= 30);
    // In this shop what was drawn alike differs in colour, so that even chance looks no worse than the encoder as it came.
    assert.ok(run.gate.intervals!.mapAtR.low <= 0, run.gate.reason);
    assert.equal(run.model.state, "CANDIDATE");
    assert.equal((await shop.core.models.active()).name, "base-1");
  });
});
