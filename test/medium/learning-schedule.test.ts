import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createJobConsumer } from "../../src/jobs/index.js";
import { measureChange } from "../../src/learning/runs/catalog-change.js";
import { countForTraining } from "../../src/learning/runs/catalog-labels.js";
import { endLostRuns, removeOldWorkFolders } from "../../src/learning/runs/end-lost-runs.js";
import { removeOldRunFiles } from "../../src/learning/runs/remove-old-run-files.js";
import {
  lastDue,
  type RetrainScheduleDependencies,
  retrainIfChanged,
} from "../../src/learning/runs/retrain-schedule.js";
import { runKeys, runsWithWorkFolder, workFolderOf } from "../../src/learning/runs/run-files.js";
import { createTrainModelJob } from "../../src/learning/runs/train-model.job.js";
import { finishRun } from "../../src/learning/runs/training-runs.repository.js";
import { createSnapshotBuilder } from "../../src/learning/snapshot/index.js";
import { describeOnBothDatabases, testLogger } from "../support/database.js";
import { playedTraining } from "../support/learning-runs.js";
import { PLAYS } from "../support/learning-trainer.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";

describe("the schedule of retraining", () => {
  it("knows the last time that an expression names, up to now, in UTC", () => {
    const at = (expression: string, now: string) => lastDue(expression, new Date(now)).toISOString();
    assert.equal(at("0 3 * * *", "2026-05-04T02:59:59.000Z"), "2026-05-03T03:00:00.000Z");
    assert.equal(at("0 3 * * *", "2026-05-04T03:00:00.000Z"), "2026-05-04T03:00:00.000Z");
    assert.equal(at("30 2 * * 0", "2026-05-04T12:00:00.000Z"), "2026-05-03T02:30:00.000Z");
    for (const expression of ["61 * * * *", "a b c d e", "* * * * *; DROP"]) {
      assert.throws(() => lastDue(expression, new Date()), { code: "BAD_USER_INPUT" });
    }
  });
});

describeOnBothDatabases("runs that nobody starts or ends by hand", (_, kind) => {
  let shop: TinyShop;
  before(async () => {
    shop = await openTinyShop(kind);
  });
  after(() => shop.close());

  const scheduled = (): RetrainScheduleDependencies => {
    const { database, training, artefacts, config } = shop.core;
    return { database, training, artefacts, config, logger: testLogger };
  };
  let ahead = 0;
  const later = (): Date => {
    ahead += 1_000;
    return new Date(Date.now() + ahead);
  };
  const endAll = () => shop.core.database.query("UPDATE training_run SET state = 'CANCELLED', finished_at = now()");

  it("are started by the schedule once, whoever looks; not while another run is on", async () => {
    const { training } = shop.core;
    const due = later();
    const ids = await Promise.all([1, 2, 3].map(() => retrainIfChanged(scheduled(), due)));
    assert.equal(ids.filter((id) => id !== undefined).length, 1);
    assert.equal((await training.list({ limit: 10 })).length, 1);
    assert.equal(await retrainIfChanged(scheduled(), later()), undefined, "one is on");
    await endAll();
    assert.equal(await retrainIfChanged(scheduled(), new Date(0)), undefined, "one was started since");
  });

  it("are started again, with the live model's request, when the catalog changed enough", async () => {
    const { core } = shop;
    const { database, training } = core;
    const run = await training.start({
      seed: PLAYS.short,
      budgetMinutes: 3,
      promote: "NEVER",
      excludeLabels: ["Plates"],
    });
    const job = createTrainModelJob(playedTraining(core));
    await job({ id: "1", data: { runId: run.id }, retryCount: 0 }, new AbortController().signal);
    const { modelId } = (await training.find(run.id))!;
    assert.equal(await finishRun(database, run.id, { gate: { passed: true, reason: "played" } }), true);
    await database.query("UPDATE model_version SET state = 'RETIRED' WHERE state = 'ACTIVE'");
    await database.query("UPDATE model_version SET state = 'ACTIVE' WHERE id = $1", [modelId]);

    const same = await createSnapshotBuilder(core).build({ seed: 1, positives: run.request.positives }, run.parentId);
    assert.equal((await measureChange(database, same, { positives: run.request.positives })).share, 0);
    assert.equal(await retrainIfChanged(scheduled(), later()), undefined, "nothing changed");
    await database.query("UPDATE product SET price_minor = price_minor + 1, updated_at = now()");
    await database.query("UPDATE product SET category_path = '{Home,Cups}' WHERE category_path = '{Home,Mugs}'");
    await database.query(
      "UPDATE product SET category_path = '{Home,Bags}' WHERE id = (SELECT min(id) FROM product WHERE category_path = '{Home,Lamps}')",
    );
    const one = await measureChange(database, same, { positives: run.request.positives });
    assert.deepEqual(one, { before: 48, added: 0, gone: 0, changed: 13, share: 13 / 48 });
    const started = await retrainIfChanged(scheduled(), later());
    const again = (await training.find(started!))!;
    assert.deepEqual(again.request, run.request);
    assert.equal(again.promote, "NEVER");
    await endAll();
    await database.query("UPDATE product SET deleted_at = now()");
    assert.equal(await retrainIfChanged(scheduled(), later()), undefined, "too little to learn from is no crash");
    const [refused] = await training.list({ limit: 1 });
    assert.deepEqual([refused!.state, refused!.failureCode], ["FAILED", "BAD_USER_INPUT"], "its label has vanished");
    assert.match(refused!.failure!, /Not trained again as scheduled: .*"Plates"/);
    assert.deepEqual(refused!.request, run.request);
    const many = (await training.list({ limit: 100 })).length;
    await retrainIfChanged(scheduled(), later());
    assert.equal((await training.list({ limit: 100 })).length, many, "said once");
    await database.query("UPDATE product SET deleted_at = NULL");
  });

  it("are not started over a catalog that stayed as it was, whatever their notion of similar", async () => {
    const { core } = shop;
    const { database, models } = core;
    await database.query(
      'UPDATE product SET group_key = \'g\' || id % 7, attributes = attributes || \'{"tone": ["b", "A", "a", "B"]}\'',
    );
    const { id: baseId } = await models.base();
    for (const kind of ["product", "group", "category", "attribute:tone"] as const) {
      const positives = [{ kind, weight: 1 }];
      const snapshot = await createSnapshotBuilder(core).build({ seed: 1, positives, needsLabels: false }, baseId);
      assert.deepEqual(
        await measureChange(database, snapshot, { positives }),
        { before: snapshot.photos.length, added: 0, gone: 0, changed: 0, share: 0 },
        kind,
      );
      // A label that a snapshot names can be asked for by that name.
      const [name] = snapshot.labelNames[0]!;
      const asked = { positives, onlyLabels: [name!] };
      assert.equal((await countForTraining(database, asked, baseId)).labels, 1, kind);
    }
  });

  it("end as failed when their job is gone, or as cancelled when somebody asked for that", async () => {
    const { database, queue, training, config } = shop.core;
    await endAll();
    await database.query("DELETE FROM pgboss.job WHERE name = 'train-model'");
    const waiting = await training.start({ seed: 1 });
    const lost = await training.start({ seed: 2 });
    const cancelled = await training.start({ seed: 3 });
    await database.query("UPDATE training_run SET state = 'RUNNING', attempts = 1 WHERE id = ANY ($1::uuid[])", [
      [lost.id, cancelled.id],
    ]);
    await training.cancel(cancelled.id);
    await database.query("DELETE FROM pgboss.job WHERE name = 'train-model' AND data ->> 'runId' <> $1", [waiting.id]);
    for (const { id } of [waiting, lost]) mkdirSync(workFolderOf(config, id), { recursive: true });
    mkdirSync(workFolderOf(config, randomUUID()), { recursive: true });
    const dependencies = { database, queue, artefacts: shop.core.artefacts, config, logger: testLogger };
    assert.deepEqual((await endLostRuns(dependencies)).sort(), [lost.id, cancelled.id].sort());
    assert.deepEqual(await endLostRuns(dependencies), []);
    await removeOldWorkFolders(dependencies);
    assert.deepEqual(await runsWithWorkFolder(config), [waiting.id]);
    const states = await Promise.all([waiting, lost, cancelled].map(async ({ id }) => (await training.find(id))!));
    assert.deepEqual(
      states.map(({ state }) => state),
      ["QUEUED", "FAILED", "CANCELLED"],
    );
    assert.equal(states[1]!.failureCode, "TRAINING_GIVEN_UP");
  });

  it("keep their files while they can be resumed, or while their model is there", async () => {
    const { database, artefacts, training } = shop.core;
    const dependencies = { database, artefacts, logger: testLogger };
    await database.query("UPDATE training_run SET state = 'CANCELLED', finished_at = now() - interval '40 days'");
    await removeOldRunFiles(dependencies);
    assert.deepEqual(await removeOldRunFiles(dependencies), [], "once");
    const [{ id: modelId }] = (await database.query<{ id: number }>(
      "SELECT model_id AS id FROM training_run WHERE model_id IS NOT NULL LIMIT 1",
    )) as [{ id: number }];
    await database.query("UPDATE training_run SET model_id = NULL WHERE model_id = $1", [modelId]);
    await removeOldRunFiles(dependencies);
    const ids: string[] = [];
    for (let age = 0; age < 8; age += 1) {
      const { id } = await training.start({ seed: PLAYS.short });
      ids.push(id);
      const sha256 = await artefacts.write(runKeys.snapshot(id), Buffer.from("{}"));
      await artefacts.write(runKeys.checkpoints(id, 2)[0], Buffer.from("{}"));
      // Age 6 made a model that is there, 7 is still on.
      await database.query(
        `UPDATE training_run SET state = $2::training_state, attempts = 2, model_id = $3::int, snapshot_key = $4,
           snapshot_sha256 = $5, checkpoint_key = $6, finished_at = now() - $7::int * interval '1 day' WHERE id = $1::uuid`,
        [
          ...[id, age === 6 ? "SUCCEEDED" : age === 7 ? "QUEUED" : "FAILED", age === 6 ? modelId : null],
          ...[runKeys.snapshot(id), sha256, runKeys.checkpoints(id, 2)[0], age === 1 ? 31 : age],
        ],
      );
    }
    const removed = await removeOldRunFiles(dependencies);
    assert.deepEqual(removed, [ids[1]], "five that are young enough stay, and what is needed");
    await assert.rejects(artefacts.read(runKeys.snapshot(ids[1]!)), { code: "ARTEFACT_MISSING" });
    await assert.rejects(artefacts.read(runKeys.checkpoints(ids[1]!, 2)[0]), { code: "ARTEFACT_MISSING" });
    for (const id of [ids[0]!, ids[6]!, ids[7]!]) await artefacts.read(runKeys.snapshot(id));
    const anew = await training.resume(ids[1]!);
    assert.deepEqual([anew.state, anew.snapshotKey, anew.checkpointKey], ["QUEUED", null, null]);
    await database.query("UPDATE training_run SET state = 'FAILED', finished_at = now() WHERE id = $1", [ids[1]]);
    assert.deepEqual(await removeOldRunFiles(dependencies), [ids[5]], "the oldest of six");
    await database.query("UPDATE model_version SET deleted_at = now() WHERE id = $1", [modelId]);
    assert.deepEqual(await removeOldRunFiles(dependencies), [ids[6]], "they go with the model");
    await endAll();
  });

  it("write nothing any more once another attempt has the run", async () => {
    const { database, training } = shop.core;
    await endAll();
    const { id } = await training.start({ seed: PLAYS.long });
    const consumer = await createJobConsumer(database, testLogger);
    try {
      await consumer.consume("train-model", { concurrency: 1 }, createTrainModelJob(playedTraining(shop.core)));
      const deadline = Date.now() + 60_000;
      while ((await training.find(id))?.checkpointStep === null) {
        assert.ok(Date.now() < deadline, "no checkpoint came");
        await delay(20);
      }
      await database.query("UPDATE training_run SET attempts = attempts + 1, checkpoint_step = 0 WHERE id = $1", [id]);
      const written = async () => (await training.find(id))?.checkpointStep;
      await delay(1_000);
      assert.equal(await written(), 0);
    } finally {
      await consumer.close(0);
      await endAll();
    }
  });
});
