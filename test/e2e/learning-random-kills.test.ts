import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { postgresMissing } from "../support/database.js";
import { planKills } from "../support/kill-plan.js";
import { killByPlan } from "../support/kill-rounds.js";
import { summarise } from "../support/kill-summary.js";
import { processesHidden } from "../support/killed-shop.js";

/** Draws kills of each process, in each phase, and few that wait for the job of a killed worker. */
const SEED = 24;
const KILLS = 6;
const SHOPS = 3;
/** About what a run of the shortest budget takes on two cores; measuring it would take as long once more. */
const USUAL = { wholeMs: 10_000, refreshMs: 1_500 };

describe("trainers, workers and APIs killed at random moments", { skip: processesHidden || postgresMissing }, () => {
  it("leave one active model with complete vectors, and runs that go on or say why not", async () => {
    const plan = planKills(SEED, KILLS);
    const reports = await Promise.all(
      Array.from({ length: SHOPS }, (_, shop) =>
        killByPlan(
          "postgres",
          plan.filter(({ number }) => number % SHOPS === shop),
          () => {},
          { supervised: shop === 0, usual: USUAL },
        ),
      ),
    );
    const summary = summarise(reports);
    assert.equal(summary.kills, KILLS);
    assert.equal(summary.runs.succeeded, summary.runs.started);
    assert.ok(summary.answers.given > 0);
    assert.deepEqual(summary.leftovers, {});
  });
});
