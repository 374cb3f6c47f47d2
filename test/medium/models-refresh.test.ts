import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Core } from "../../src/compose.js";
import { describeOnBothDatabases } from "../support/database.js";
import { fillShop, openShop, type TestShop, untilIdle } from "../support/shop.js";
import { passed, refreshHandler, refused, trainModel } from "../support/trained-models.js";

const PHOTOS = 24;

describeOnBothDatabases("the refresh of a trained model", (_open, kind) => {
  let shop: TestShop;
  let core: Core;
  let refresh: ReturnType<typeof refreshHandler>;

  before(async () => {
    shop = await openShop(kind);
    core = shop.core;
    await fillShop(shop);
    refresh = refreshHandler(core);
  });
  after(async () => {
    await refresh.close();
    await shop.close();
  });

  const runOf = async (id: string) =>
    (
      await core.database.query<{
        state: string;
        gate: { passed: boolean } | null;
        failure_code: string | null;
        stage: string;
      }>("SELECT state::text AS state, gate, failure_code, stage FROM training_run WHERE id = $1::uuid", [id])
    )[0]!;
  const metricsOf = async (id: number) =>
    (
      await core.database.query<{ metrics: Record<string, Record<string, unknown>> }>(
        "SELECT metrics FROM model_version WHERE id = $1::int",
        [id],
      )
    )[0]!.metrics;
  const activeId = async () => (await core.models.active()).id;
  const product = async () => {
    const [row] = await core.database.query<{ id: bigint }>(
      "SELECT max(id) AS id FROM product WHERE deleted_at IS NULL",
    );
    return `prod_${row!.id}`;
  };
  const first = async () => (await core.similar.toProduct(await product(), { first: 5 })).modelId;

  it("registers a candidate whose weights are fetched and checked", async () => {
    const base = await core.models.base();
    const { model } = await trainModel(core, { enqueue: false });
    assert.equal(model.name, `trained-${model.id}`);
    assert.equal(model.state, "CANDIDATE");
    assert.notEqual(model.encoderDigest, base.encoderDigest);
    assert.deepEqual(await core.models.find(model.id), model);
    assert.equal(model.trained?.manifest.output, "embedding");
    assert.ok((await core.models.live()).some(({ id }) => id === model.id));
    const embedder = await refresh.embedders.forModel(model.id);
    assert.equal(embedder.dims, 24);
    await core.promotion.delete(model.id);
    assert.equal(await core.models.find(model.id), undefined);
  });

  it("is refused a promotion while photos lack a vector, with force too", async () => {
    const { model } = await trainModel(core, { enqueue: false });
    for (const force of [false, true]) {
      await assert.rejects(core.promotion.promote(model.id, { force }), {
        code: force ? "MODEL_NOT_READY" : "MODEL_NOT_BETTER",
      });
    }
    await assert.rejects(
      core.promotion.promote(model.id, { force: true }),
      new RegExp(`${PHOTOS} photos lack a vector`),
    );
    assert.equal(await activeId(), (await core.models.base()).id);
    await core.promotion.delete(model.id);
  });

  it("embeds everything, asks the gate and promotes; rolls back and forth", async () => {
    const base = await core.models.active();
    const { model, runId } = await trainModel(core, { promote: "IF_BETTER", enqueue: false });
    await refresh.run(model.id);
    assert.equal(await activeId(), model.id);
    const run = await runOf(runId!);
    assert.equal(run.state, "SUCCEEDED");
    assert.equal(run.gate?.passed, true);
    const metrics = await metricsOf(model.id);
    assert.equal(metrics.promotion!.replacedModelId, base.id);
    assert.equal(metrics.promotion!.by, "gate");
    assert.equal(metrics.stability!.products, PHOTOS);
    assert.equal(await first(), model.id);
    assert.deepEqual(await core.vectors.countPhotos(core.database, model.id), { done: PHOTOS, total: PHOTOS });

    assert.equal((await core.promotion.rollback()).id, base.id);
    assert.equal(await first(), base.id);
    assert.equal((await core.promotion.rollback()).id, model.id);
    assert.equal(await first(), model.id);
    // The encoder as it came is known although it retired: nothing registers it once more.
    assert.equal((await core.ensureBaseModel()).id, base.id);
    await core.promotion.rollback();
  });

  it("leaves a candidate that the gate refuses, until somebody insists", async () => {
    const { model, runId } = await trainModel(core, { promote: "IF_BETTER", enqueue: false });
    const strict = refreshHandler(core, refused);
    await strict.run(model.id);
    await strict.close();
    const before = await activeId();
    assert.notEqual(before, model.id);
    assert.equal((await runOf(runId!)).state, "SUCCEEDED");
    await assert.rejects(core.promotion.promote(model.id), { code: "MODEL_NOT_BETTER", message: /Worse\./ });
    await core.promotion.promote(model.id, { force: true });
    assert.equal(await activeId(), model.id);
    assert.equal((await metricsOf(model.id)).promotion!.forced, true);
    await core.promotion.rollback();
    assert.equal(await activeId(), before);
  });

  it("does not promote when the run says never", async () => {
    const before = await activeId();
    const { model, runId } = await trainModel(core, { promote: "NEVER", enqueue: false });
    await refresh.run(model.id);
    assert.equal(await activeId(), before);
    assert.equal((await runOf(runId!)).gate?.passed, true);
    await core.promotion.promote(model.id);
    assert.equal((await metricsOf(model.id)).promotion!.forced, false);
    await core.promotion.rollback();
  });

  it("pauses, goes on with what is missing, and stops for a run that was cancelled", async () => {
    const { model, runId } = await trainModel(core, { promote: "IF_BETTER", enqueue: false });
    await core.promotion.pauseRefresh(model.id);
    await refresh.run(model.id);
    assert.equal((await runOf(runId!)).state, "REFRESHING");
    await assert.rejects(core.promotion.promote(model.id, { force: true }), /paused/);
    await core.promotion.resumeRefresh(model.id);
    assert.equal((await core.queue.counts())["refresh-model"].waiting, 1);
    await core.database.query("DELETE FROM pgboss.job WHERE name = 'refresh-model'");

    await core.database.query("UPDATE training_run SET state = 'CANCELLED' WHERE id = $1::uuid", [runId]);
    await refresh.run(model.id);
    assert.notEqual(await activeId(), model.id);
    await core.promotion.resumeRefresh(model.id);
    assert.equal((await runOf(runId!)).state, "REFRESHING");
    await core.database.query("DELETE FROM pgboss.job WHERE name = 'refresh-model'");
    await refresh.run(model.id);
    assert.equal(await activeId(), model.id);
    await core.promotion.rollback();
  });

  it("hands the refresh on when the worker ends, without counting it as a failure", async () => {
    const { model, runId } = await trainModel(core, { promote: "IF_BETTER", enqueue: false });
    const stopping = new AbortController();
    const ending = refreshHandler(core, passed, {
      stopping: stopping.signal,
      beforeGate: async () => {
        stopping.abort();
        stopping.signal.throwIfAborted();
      },
    });
    await ending.run(model.id);
    await ending.close();
    assert.equal((await runOf(runId!)).state, "REFRESHING");
    assert.equal((await core.queue.counts())["refresh-model"].waiting, 1);
    await core.database.query("DELETE FROM pgboss.job WHERE name = 'refresh-model'");
    await core.promotion.delete(model.id);
    assert.equal((await runOf(runId!)).failure_code, "MODEL_DELETED");
    // A job of a model that is gone does nothing.
    await refresh.run(model.id);
  });

  it("has nothing left to decide when somebody promoted it by hand", async () => {
    const before = await activeId();
    const { model, runId } = await trainModel(core, { promote: "IF_BETTER", enqueue: false });
    const late = refreshHandler(core, refused, {
      beforeGate: () => core.promotion.promote(model.id, { force: true }),
    });
    await late.run(model.id);
    await late.close();
    assert.equal(await activeId(), model.id);
    assert.equal((await runOf(runId!)).state, "SUCCEEDED");
    await core.promotion.promote(before);
  });

  it("ends the run of a model that was promoted by hand before its job came", async () => {
    const before = await activeId();
    const { model, runId } = await trainModel(core, { promote: "NEVER", enqueue: false });
    await refresh.run(model.id);
    await core.database.query("UPDATE training_run SET state = 'REFRESHING' WHERE id = $1::uuid", [runId]);
    await core.promotion.promote(model.id, { force: true });
    await refresh.run(model.id);
    assert.equal((await runOf(runId!)).state, "SUCCEEDED");
    await core.promotion.promote(before);
  });

  it("ends a run whose weights are gone", async () => {
    const { model, runId } = await trainModel(core, { promote: "IF_BETTER", enqueue: false, dims: 40 });
    await core.artefacts.delete(model.trained!.key);
    await refresh.run(model.id);
    const run = await runOf(runId!);
    assert.deepEqual([run.state, run.failure_code], ["FAILED", "ARTEFACT_MISSING"]);
    await core.promotion.delete(model.id);
  });

  it("misses nothing that changes meanwhile, and judges again when the shelf changed", async () => {
    const { model } = await trainModel(core, { promote: "IF_BETTER", enqueue: false, dims: 20 });
    const { model: rival } = await trainModel(core, { promote: "NEVER", enqueue: false, dims: 12 });
    await refresh.run(rival.id);
    const [deleted, changed] = await core.database.query<{ id: bigint; source: string; external_id: string }>(
      "SELECT id, source, external_id FROM product WHERE deleted_at IS NULL ORDER BY id LIMIT 2",
    );
    let looks = 0;
    const busy = refreshHandler(core, passed, {
      beforeGate: async () => {
        looks += 1;
        if (looks > 1) return;
        // While it is judged, another model is promoted, a product goes, one changes and a photo gets a new product.
        await core.promotion.promote(rival.id);
        await core.writer.apply([{ type: "delete", source: deleted!.source, externalId: deleted!.external_id }]);
        await core.database.query("UPDATE product SET brand = 'Changed behind our back' WHERE id = $1::bigint", [
          changed!.id,
        ]);
        await core.database.query(
          `WITH made AS (INSERT INTO product (source, external_id, title, category_path, digest)
             VALUES ('shop', 'late', 'Late', '{A}', '') RETURNING id)
           INSERT INTO product_image (product_id, url, position, state, blob_id)
           SELECT made.id, 'https://shop.example/late', 0, 'READY', i.blob_id FROM made, product_image i
           WHERE i.product_id = $1::bigint`,
          [changed!.id],
        );
      },
    });
    await busy.run(model.id);
    await busy.close();
    assert.equal(looks, 2);
    assert.equal(await activeId(), model.id);
    const rows = await core.database.query<{ product_id: bigint; brand: string | null }>(
      `SELECT product_id, brand FROM vectors.product_vector WHERE model_id = $1::int`,
      [model.id],
    );
    assert.equal(rows.length, PHOTOS);
    assert.ok(!rows.some(({ product_id }) => product_id === deleted!.id));
    assert.equal(rows.find(({ product_id }) => product_id === changed!.id)?.brand, "Changed behind our back");
    // The rival's rows of what changed behind our back are stale: it must not answer before they are made again.
    await assert.rejects(core.promotion.rollback(), { code: "MODEL_NOT_READY" });
    await refresh.run(rival.id);
    assert.equal((await core.promotion.rollback()).id, rival.id);
  });

  it("keeps what may be needed and deletes the rest", async () => {
    const base = await core.models.base();
    await assert.rejects(core.promotion.delete(await activeId()), { code: "MODEL_IN_USE" });
    await assert.rejects(core.promotion.delete(base.id), { code: "MODEL_IN_USE" });
    await assert.rejects(core.promotion.delete(99_999), { code: "MODEL_NOT_FOUND" });
    await core.promotion.cleanUp();
    const removed = await core.database.query<{ id: number; key: string }>(
      "SELECT id, weights_key AS key FROM model_version WHERE deleted_at IS NOT NULL",
    );
    assert.ok(removed.length > 0);
    const retired = await core.database.query<{ id: number; live: boolean }>(
      "SELECT id, id IN (SELECT id FROM vectors.live_model) AS live FROM model_version WHERE state = 'RETIRED' AND deleted_at IS NULL ORDER BY retired_at DESC",
    );
    assert.equal(retired.filter(({ id }) => id !== base.id).length, 2);
    assert.equal(retired[0]!.live, true);
    assert.equal((await core.models.base()).id, base.id);
    for (const { id, key } of removed) {
      assert.equal(await core.models.find(id), undefined);
      await assert.rejects(core.artefacts.read(key), { code: "ARTEFACT_MISSING" });
      await assert.rejects(core.similar.toProduct("prod_2", { first: 1, options: { modelId: id } }), {
        code: "MODEL_VECTORS_GONE",
      });
    }
    // A worker that is killed between the commit and the files leaves them; its job, which comes again, removes them.
    const { key } = removed[0]!;
    await core.artefacts.write(key, Buffer.from("left by a killed worker"));
    await refresh.run(await activeId());
    await assert.rejects(core.artefacts.read(key), { code: "ARTEFACT_MISSING" });
    await untilIdle(core);
  });
});
