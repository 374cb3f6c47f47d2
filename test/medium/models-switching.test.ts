import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Core } from "../../src/compose.js";
import { topNeighbours } from "../../src/models/top-neighbours.js";
import { describeOnBothDatabases } from "../support/database.js";
import { asAdmin, fillShop, openShop, type TestShop } from "../support/shop.js";
import { refreshHandler, trainModel } from "../support/trained-models.js";

interface Payload {
  readonly model: {
    readonly id: string;
    readonly state: string;
    readonly refresh: { readonly paused: boolean };
  } | null;
  readonly userErrors: readonly { readonly field: readonly string[]; readonly code: string }[];
}

describeOnBothDatabases("models that take turns", (_open, kind) => {
  let shop: TestShop;
  let core: Core;
  let refresh: ReturnType<typeof refreshHandler>;
  let base: number;
  let trained: number;

  before(async () => {
    shop = await openShop(kind);
    core = shop.core;
    await fillShop(shop);
    refresh = refreshHandler(core);
    base = (await core.models.active()).id;
    trained = (await trainModel(core, { enqueue: false })).model.id;
    await refresh.run(trained);
  });
  after(async () => {
    await refresh.close();
    await shop.close();
  });
  const actives = async () =>
    (await core.database.query<{ id: number }>("SELECT id FROM model_version WHERE state = 'ACTIVE'")).map(
      ({ id }) => id,
    );

  it("give answers of one of them each, never none, while they are promoted and rolled back", async () => {
    const ids = (await core.database.query<{ id: bigint }>("SELECT id FROM product ORDER BY id")).map(({ id }) => id);
    const expected = new Map<number, Map<bigint, string>>();
    for (const model of [base, trained]) {
      const found = await topNeighbours(core.vectors, model, ids, { sameCategory: false });
      expected.set(
        model,
        new Map([...found].map(([id, items]) => [id, items.map(({ productId }) => `prod_${productId}`).join()])),
      );
    }
    let asking = true;
    let answers = 0;
    const seen = new Set<number>();
    const ask = async (turn: number): Promise<void> => {
      for (let round = turn; asking; round += 3) {
        const id = ids[round % ids.length]!;
        const { data, errors } = await shop.ask<{
          similarItems: { model: { id: string }; edges: { node: { id: string } }[] };
        }>(
          `query ($id: ID!) { similarItems(productId: $id, first: 10, options: { sameCategory: false, fallback: NONE }) {
            model { id } edges { node { id } } } }`,
          { id: `prod_${id}` },
        );
        assert.equal(errors, undefined);
        const model = Number(data!.similarItems.model.id);
        const shown = data!.similarItems.edges.map(({ node }) => node.id);
        assert.ok(shown.length > 0);
        assert.equal(shown.join(), expected.get(model)!.get(id), `an answer of model ${model}`);
        seen.add(model);
        answers += 1;
      }
    };
    const clients = Promise.all([0, 1, 2].map(ask));
    for (let round = 0; round < 12; round += 1) {
      await (round % 2 === 0 ? core.promotion.promote(trained, { force: true }) : core.promotion.rollback());
      assert.equal((await actives()).length, 1);
      const before = answers;
      while (answers < before + 4) await Promise.race([delay(10), clients]);
    }
    asking = false;
    await clients;
    assert.deepEqual([...seen].sort(), [base, trained].sort());
    assert.deepEqual(await actives(), [base]);
  });

  it("are promoted one after the other when several people ask at once", async () => {
    const { model: rival } = await trainModel(core, { enqueue: false, dims: 12 });
    await refresh.run(rival.id);
    const outcomes = await Promise.allSettled([
      core.promotion.promote(trained, { force: true }),
      core.promotion.promote(rival.id, { force: true }),
      core.promotion.promote(trained, { force: true }),
      core.promotion.rollback(),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "fulfilled", "fulfilled", "fulfilled"],
    );
    assert.equal((await actives()).length, 1);
    if ((await actives())[0] !== base) await core.promotion.promote(base);
    // Whichever came last, the rollback or a person, the tests that follow find the same history.
    await core.promotion.promote(trained, { force: true });
    await core.promotion.promote(base);
    await core.promotion.delete(rival.id);
  });

  it("both hear of products that come, change and go", async () => {
    const [before] = await core.database.query<{ id: bigint; source: string; external_id: string }>(
      "SELECT id, source, external_id FROM product ORDER BY id LIMIT 1",
    );
    await core.writer.apply([{ type: "delete", source: before!.source, externalId: before!.external_id }]);
    for (const model of [base, trained]) {
      const rows = await core.database.query(
        "SELECT 1 FROM vectors.product_vector WHERE model_id = $1::int AND product_id = $2::bigint",
        [model, before!.id],
      );
      assert.deepEqual(rows, []);
    }
    const [photo] = await core.database.query<{ blob: bigint }>(
      "SELECT blob_id AS blob FROM product_image WHERE state = 'READY' ORDER BY id DESC LIMIT 1",
    );
    // A content that lost its vectors stands for one that nobody has embedded yet.
    await core.database.query("DELETE FROM vectors.photo_vector WHERE blob_id = $1::bigint", [photo!.blob]);
    const missing = await core.vectors.missing(core.database, [photo!.blob]);
    assert.deepEqual(missing.map(({ modelId }) => modelId).sort(), [base, trained].sort());
    await refresh.run(base);
    await refresh.run(trained);
    assert.deepEqual(await core.vectors.missing(core.database, [photo!.blob]), []);
  });

  it("are shown, compared and switched over GraphQL, by administrators only", async () => {
    const { data, errors } = await shop.ask<{
      models: {
        id: string;
        parent: { id: string } | null;
        refresh: { done: number; total: number };
        promotion: { by: string } | null;
        stability: { examples: { productId: string }[] } | null;
      }[];
    }>(
      `{ models { id state parent { id } runId createdAt activatedAt retiredAt gate { passed } promotion { by forced replacedModelId }
          stability { products changed meanOverlap examples { productId before after } } refresh { done total paused completedAt } } }`,
      {},
      asAdmin,
    );
    assert.equal(errors, undefined);
    const shown = data!.models.find(({ id }) => Number(id) === trained)!;
    assert.equal(shown.parent?.id, String(base));
    assert.equal(shown.refresh.done, shown.refresh.total);
    assert.equal(shown.promotion?.by, "PEOPLE");
    assert.match(shown.stability!.examples[0]?.productId ?? "prod_1", /^prod_\d+$/);

    const compared = await shop.ask<{ compareModels: { shared: number; a: { position: number }[]; b: unknown[] }[] }>(
      `query ($a: ID!, $b: ID!, $ids: [ID!]!) { compareModels(a: $a, b: $b, productIds: $ids) {
        shared product { id } a { position otherPosition distance product { id } } b { position } } }`,
      { a: String(base), b: String(trained), ids: ["prod_2", "prod_3", "prod_999999"] },
      asAdmin,
    );
    assert.equal(compared.errors, undefined);
    assert.equal(compared.data!.compareModels.length, 2);
    assert.equal(compared.data!.compareModels[0]!.a[0]!.position, 1);

    const mutate = async (mutation: string, headers = asAdmin): Promise<Payload> => {
      const fields = "{ model { id state refresh { paused } } userErrors { field code } }";
      const answer = await shop.ask<{ answer: Payload }>(`mutation { answer: ${mutation} ${fields} }`, {}, headers);
      assert.equal(answer.errors, undefined);
      return answer.data!.answer;
    };
    const shopper = await shop.ask(`mutation { rollbackModel { model { id } } }`);
    assert.match(shopper.errors![0]!.extensions.code, /UNAUTHENTICATED|FORBIDDEN/);
    const { model: fresh } = await trainModel(core, { enqueue: false });
    assert.deepEqual(await mutate(`promoteModel(id: "${fresh.id}")`), {
      model: null,
      userErrors: [{ field: ["id"], code: "MODEL_NOT_BETTER" }],
    });
    const { userErrors } = await mutate(`promoteModel(id: "${fresh.id}", force: true)`);
    assert.deepEqual(userErrors, [{ field: ["id"], code: "MODEL_NOT_READY" }]);
    assert.equal((await mutate(`deleteModel(id: "${fresh.id}")`)).model?.id, String(fresh.id));
    assert.equal((await mutate('promoteModel(id: "nonsense")')).userErrors[0]?.code, "MODEL_NOT_FOUND");
    assert.equal((await mutate(`promoteModel(id: "${trained}", force: true)`)).model?.state, "ACTIVE");
    assert.equal((await mutate("rollbackModel")).model?.id, String(base));
    assert.equal((await mutate(`pauseRefresh(id: "${trained}")`)).model?.refresh.paused, true);
    assert.equal((await mutate(`resumeRefresh(id: "${trained}")`)).model?.refresh.paused, false);
    assert.equal((await mutate(`deleteModel(id: "${base}")`)).userErrors[0]?.code, "MODEL_IN_USE");
  });
});
