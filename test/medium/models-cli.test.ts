import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { lookalike } from "../support/command-line.js";
import { fillShop, openShop, type TestShop } from "../support/shop.js";
import { trainModel } from "../support/trained-models.js";

describe("models on the command line", () => {
  let shop: TestShop;
  let settings: Record<string, string>;

  before(async () => {
    shop = await openShop("embedded");
    await fillShop(shop);
    settings = { LOOKALIKE_DATA: shop.core.config.data };
  });
  after(() => shop.close());

  const json = async <Answer>(...args: string[]): Promise<Answer> => {
    const { code, stdout, stderr } = await lookalike([...args, "--json"], settings);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Answer;
  };

  it("are listed, promoted when their vectors are made, rolled back and deleted", async () => {
    const { model } = await trainModel(shop.core, { enqueue: false });
    const id = String(model.id);
    const refused = await lookalike(["promote", id], settings);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /was not compared with the active one.*force/);
    const early = await lookalike(["promote", id, "--force"], settings);
    assert.match(early.stderr, /24 photos lack a vector/);

    const promoted = await json<{ id: number; state: string }>("promote", id, "--force", "--wait");
    assert.deepEqual([promoted.id, promoted.state], [model.id, "ACTIVE"]);
    const [kept] = await shop.core.database.query<{ compared: number | null; jobs: number }>(
      `SELECT (metrics -> 'stability' ->> 'products')::int AS compared,
              (SELECT count(*)::int FROM pgboss.job WHERE name = 'refresh-model'
                 AND state IN ('created', 'retry', 'active')) AS jobs
       FROM model_version WHERE id = $1`,
      [model.id],
    );
    assert.ok(kept!.compared! > 0, "how much the answers change was measured before it took over");
    assert.equal(kept!.jobs, 0, "nothing is left for the next worker");
    const listed = await json<{ id: number; state: string; refresh: { done: number; total: number } }[]>("models");
    assert.deepEqual(
      listed.map(({ state }) => state),
      ["ACTIVE", "RETIRED"],
    );
    assert.deepEqual(listed[0]!.refresh, { done: 24, total: 24 });
    const table = await lookalike(["models"], settings);
    assert.match(table.stdout, /vectors.*gate.*changed/);
    assert.match(table.stdout, /forced/);

    assert.match((await lookalike(["delete-model", id], settings)).stderr, /answers now/);
    assert.equal((await json<{ id: number }>("rollback")).id, listed[1]!.id);
    assert.equal((await json<{ id: number }>("delete-model", id)).id, model.id);
    assert.match((await lookalike(["promote", id], settings)).stderr, /no model version/);
    assert.match((await lookalike(["promote", "seven"], settings)).stderr, /not a model's id/);
    assert.match((await lookalike(["rollback"], settings)).stderr, /No model answered before/);
  });
});
