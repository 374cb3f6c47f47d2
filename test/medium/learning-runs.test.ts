import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { after, afterEach, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { GateDecision } from "../../src/evaluation/index.js";
import { createJobConsumer } from "../../src/jobs/index.js";
import { runKeys, workFolderOf } from "../../src/learning/runs/run-files.js";
import { createTrainModelJob } from "../../src/learning/runs/train-model.job.js";
import type { TrainModelDependencies } from "../../src/learning/runs/train-model.type.js";
import type { Training } from "../../src/learning/runs/training.js";
import { ENDED, type TrainingRun } from "../../src/learning/runs/training-run.type.js";
import { finishRun } from "../../src/learning/runs/training-runs.repository.js";
import type { Snapshot } from "../../src/learning/snapshot/snapshot.type.js";
import { ArtefactNotWritten } from "../../src/models/artefact-store.errors.js";
import { startChild } from "../support/child.js";
import { isRunning } from "../support/command-line.js";
import { describeOnBothDatabases, testLogger } from "../support/database.js";
import { playedTraining, trainingOf } from "../support/learning-runs.js";
import { nextState, PLAYS } from "../support/learning-trainer.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";

const DECISION: GateDecision = {
  ...{
    passed: false,
    verdict: "TOO_FEW_QUERIES",
    reason: "played",
    labels: "category",
    split: "test",
    gallery: "train",
  },
  ...{ queries: 0, clusters: 0, candidate: null, live: null, differences: null, intervals: null, worse: [] },
};

describeOnBothDatabases("a training run", (_, kind) => {
  let shop: TinyShop;
  let training: Training;
  const workers: { close(graceMs?: number): Promise<void> }[] = [];
  before(async () => {
    shop = await openTinyShop(kind);
    training = trainingOf(shop.core);
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.close(0);
    await shop.core.database.query("DELETE FROM pgboss.job WHERE name IN ('train-model', 'refresh-model')");
    await shop.core.database.query(
      "UPDATE training_run SET state = 'FAILED' WHERE state NOT IN ('SUCCEEDED', 'CANCELLED')",
    );
  });
  after(() => shop.close());

  const work = async (changes: Partial<TrainModelDependencies> = {}) => {
    const consumer = await createJobConsumer(shop.core.database, testLogger);
    workers.push(consumer);
    await consumer.consume("train-model", { concurrency: 1 }, createTrainModelJob(playedTraining(shop.core, changes)));
    return consumer;
  };
  const until = async (id: string, what: string, reached: (run: TrainingRun) => boolean): Promise<TrainingRun> => {
    const deadline = Date.now() + 90_000;
    for (;;) {
      const run = (await training.find(id))!;
      if (reached(run)) return run;
      if (Date.now() > deadline) throw new Error(`not reached: ${what}: ${JSON.stringify(run)}`);
      await delay(20);
    }
  };
  const ended = (id: string) => until(id, "its end", ({ state }) => state === "REFRESHING" || ENDED.includes(state));
  const epochsOf = (id: string) =>
    shop.core.database.query<{ epoch: number; loss: number }>(
      "SELECT epoch, loss FROM training_epoch WHERE run_id = $1::uuid ORDER BY epoch",
      [id],
    );
  const lossesOf = (seed: number, epochs: number): { epoch: number; loss: number }[] => {
    let state = { epoch: 0, value: 7 };
    return Array.from({ length: epochs }, () => {
      state = nextState(state, seed);
      return { epoch: state.epoch, loss: state.value / 2_147_483_647 };
    });
  };

  it("goes from its start to a candidate whose refresh is enqueued, and to its end", async () => {
    const queued = await training.start({ seed: PLAYS.talkative });
    assert.equal(queued.state, "QUEUED");
    assert.deepEqual(queued.request.positives, [{ kind: "category", weight: 1 }]);
    await work();
    const run = await ended(queued.id);
    assert.deepEqual([run.state, run.stage, run.failure], ["REFRESHING", "refresh", null]);
    assert.equal(run.plan?.reason, "played");
    assert.equal(run.device, "cpu");
    assert.equal(run.result?.validation?.mapAtR, 0.7);
    const model = await shop.core.models.find(run.modelId!);
    assert.equal(model?.state, "CANDIDATE");
    const jobs = await shop.core.database.query("SELECT data FROM pgboss.job WHERE name = 'refresh-model'");
    assert.deepEqual(jobs, [{ data: { modelId: run.modelId } }]);
    const epochs = await epochsOf(run.id);
    assert.equal(epochs.length, 10);
    assert.ok(Number.isNaN(epochs[2]!.loss), "a loss that is no number is kept as it is");
    assert.deepEqual(run.guards, [{ guard: "not-a-number", step: 30, action: "Back to step 20 at half the rate." }]);
    const [counts] = await shop.core.database.query(
      `SELECT (SELECT count(*)::int FROM mined_triplet WHERE run_id = $1::uuid) AS triplets,
              (SELECT count(*)::int FROM suspect_label WHERE run_id = $1::uuid) AS suspects`,
      [run.id],
    );
    assert.deepEqual(counts, { triplets: 20, suspects: 1 });
    assert.equal(existsSync(workFolderOf(shop.config, run.id)), false, "caches are gone");
    assert.equal(await finishRun(shop.core.database, run.id, { gate: DECISION }), true);
    assert.equal(await finishRun(shop.core.database, run.id, {}), false, "a run ends once");
    const end = (await training.find(run.id))!;
    assert.deepEqual([end.state, end.gate], ["SUCCEEDED", DECISION]);
  });

  it("is cancelled within two seconds, and a second time gets a clear answer", async () => {
    await work();
    for (const seed of [PLAYS.long, PLAYS.deaf]) {
      const { id } = await training.start({ seed });
      await until(id, "work", ({ plan }) => plan !== null);
      await delay(300);
      const cancelledAt = Date.now();
      const asked = await training.cancel(id);
      assert.equal(asked.state, "RUNNING");
      const run = await ended(id);
      assert.equal(run.state, "CANCELLED");
      assert.ok(Date.now() - cancelledAt < 2_500, `${Date.now() - cancelledAt} ms`);
      await assert.rejects(training.cancel(id), { code: "TRAINING_RUN_ENDED" });
    }
    const { id } = await training.start({ seed: PLAYS.deaf });
    await until(id, "work", ({ plan }) => plan !== null);
    await training.cancel(id);
    await assert.rejects(training.cancel(id), { code: /^(CANCEL_REQUESTED_ALREADY|TRAINING_RUN_ENDED)$/ });
  });

  it("is cancelled at once while it waits, and goes on when it is resumed", async () => {
    const { id } = await training.start({ seed: PLAYS.long });
    assert.equal((await training.cancel(id)).state, "CANCELLED");
    const worker = await work();
    await delay(600);
    assert.equal((await training.find(id))?.attempts, 0, "its job does nothing");
    await training.resume(id);
    await assert.rejects(training.resume(id), { code: "TRAINING_RUN_NOT_RESUMABLE" });
    await until(id, "a checkpoint", ({ checkpointStep }) => (checkpointStep ?? 0) >= 50);
    await training.cancel(id);
    const cancelled = await ended(id);
    const resumed = await training.resume(id);
    assert.equal(resumed.checkpointStep, cancelled.checkpointStep);
    await until(id, "more epochs", ({ checkpointStep }) => (checkpointStep ?? 0) >= cancelled.checkpointStep! + 50);
    const epochs = await epochsOf(id);
    assert.deepEqual(epochs, lossesOf(PLAYS.long, epochs.length));
    await training.cancel(id);
    await ended(id);
    await worker.close(0);
  });

  it("whose trainer crashes goes on from the checkpoint with the same next losses", async () => {
    await work();
    const { id } = await training.start({ seed: PLAYS.crashOnce });
    const run = await ended(id);
    assert.deepEqual([run.state, run.attempts, run.failure], ["REFRESHING", 2, null]);
    assert.deepEqual(await epochsOf(id), lossesOf(PLAYS.crashOnce, 10));
  });

  it("fails with a reason when its trainer crashes again and again, and when it finds too little", async () => {
    const run = await training.start({ seed: PLAYS.crashAlways });
    const job = createTrainModelJob(playedTraining(shop.core));
    const signal = new AbortController().signal;
    const deliver = (retryCount: number) => job({ id: "1", data: { runId: run.id }, retryCount }, signal);
    await assert.rejects(deliver(0), { code: "TRAINER_CRASHED" });
    assert.equal((await training.find(run.id))?.state, "QUEUED");
    await deliver(3);
    const crashed = (await training.find(run.id))!;
    assert.deepEqual([crashed.state, crashed.failureCode], ["FAILED", "TRAINER_CRASHED"]);
    assert.match(crashed.failure!, /SIGKILL.*memory.*std::bad_alloc/s);

    const poor = await training.start({ seed: PLAYS.notEnough });
    await job({ id: "2", data: { runId: poor.id }, retryCount: 0 }, signal);
    const refused = (await training.find(poor.id))!;
    assert.deepEqual(
      [refused.state, refused.failureCode, refused.failure, refused.attempts],
      ["FAILED", "NOT_ENOUGH_DATA", "Two labels are needed: 1 more.", 1],
    );
  });

  it("ends with a typed failure on a full disk, and resumes when there is room", async () => {
    const { id } = await training.start({ seed: PLAYS.short });
    const full = playedTraining(shop.core);
    const noSpace = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const artefacts = {
      ...full.artefacts,
      write: (key: string, bytes: Uint8Array) => Promise.reject(new ArtefactNotWritten(key, bytes.length, noSpace)),
    };
    const signal = new AbortController().signal;
    await createTrainModelJob({ ...full, artefacts })({ id: "1", data: { runId: id }, retryCount: 0 }, signal);
    const failed = (await training.find(id))!;
    assert.deepEqual([failed.state, failed.failureCode], ["FAILED", "ARTEFACT_NOT_WRITTEN"]);
    await training.resume(id);
    await work();
    assert.equal((await ended(id)).state, "REFRESHING");
  });

  it("survives its worker, killed with SIGKILL: no orphan stays, another worker goes on", async () => {
    const { id } = await training.start({ seed: PLAYS.long });
    const worker = startChild("learning-worker", JSON.stringify(shop.config));
    await worker.saw((message) => message === "ready");
    await until(id, "checkpoints", ({ checkpointStep }) => (checkpointStep ?? 0) >= 50);
    const trainer = childrenOf(worker.pid);
    assert.equal(trainer.length, 1);
    await worker.kill();
    for (let waited = 0; isRunning(trainer[0]!) && waited < 3_000; waited += 20) await delay(20);
    assert.equal(isRunning(trainer[0]!), false, "the trainer ends with its worker");
    const before = (await training.find(id))!;
    await work();
    await until(id, "more checkpoints", ({ checkpointStep }) => checkpointStep! >= before.checkpointStep! + 50);
    const epochs = await epochsOf(id);
    assert.deepEqual(epochs, lossesOf(PLAYS.long, epochs.length));
    assert.equal((await training.find(id))?.attempts, 2);
    await training.cancel(id);
    await ended(id);
  });

  it("is given back by a worker that ends in good order", async () => {
    const { id } = await training.start({ seed: PLAYS.long });
    const stopping = new AbortController();
    const first = await work({ stopping: stopping.signal });
    await until(id, "checkpoints", ({ checkpointStep }) => (checkpointStep ?? 0) >= 20);
    stopping.abort();
    await first.close();
    const waiting = (await training.find(id))!;
    assert.deepEqual([waiting.state, waiting.failure], ["QUEUED", null]);
    await work();
    await until(id, "more", ({ checkpointStep }) => checkpointStep! >= waiting.checkpointStep! + 20);
    await training.cancel(id);
    await ended(id);
  });

  it("has its device for itself: of two workers on one host one waits, another host does not", async () => {
    await work({ host: "one" });
    const first = await training.start({ seed: PLAYS.long });
    await until(first.id, "work", ({ plan }) => plan !== null);
    const second = await training.start({ seed: PLAYS.short, device: "cpu" });
    await work({ host: "one" });
    await delay(1_500);
    assert.deepEqual((await training.find(second.id))?.state, "QUEUED");
    await work({ host: "two" });
    assert.equal((await ended(second.id)).state, "REFRESHING");
    assert.equal((await training.find(first.id))?.state, "RUNNING");
    await training.cancel(first.id);
    await ended(first.id);
  });

  it("waits for the vectors of an encoder that has changed, and starts from its new base model", async () => {
    const { core } = shop;
    const { id, parentId } = await training.start({ seed: PLAYS.short });
    const encoders = {
      open: async (name: string) => ({ ...(await core.encoders.open(name)), digest: "changed" }),
    };
    const base = await core.models.ensureBase({ name: "tiny", digest: "changed", dims: 128 });
    assert.equal(base.state, "CANDIDATE");
    const job = createTrainModelJob(playedTraining(core, { encoders }));
    const deliver = () => job({ id: "1", data: { runId: id }, retryCount: 0 }, new AbortController().signal);
    await deliver();
    const waiting = (await training.find(id))!;
    assert.deepEqual([waiting.state, waiting.parentId, waiting.attempts], ["QUEUED", parentId, 0]);
    await core.database.query("UPDATE model_version SET refreshed_at = now() WHERE id = $1", [base.id]);
    await deliver();
    const begun = (await training.find(id))!;
    assert.deepEqual([begun.parentId, begun.attempts], [base.id, 1]);
    assert.equal(begun.failureCode, "NOT_ENOUGH_DATA", "this test made no vectors for it");
    await core.database.query("UPDATE model_version SET state = 'FAILED' WHERE id = $1", [base.id]);
  });

  it("goes on from the checkpoint that it told of when it was killed while it wrote the next one", async () => {
    const { id } = await training.start({ seed: PLAYS.long });
    await work();
    await until(id, "checkpoints", ({ checkpointStep }) => (checkpointStep ?? 0) >= 30);
    await training.cancel(id);
    const { checkpointKey, checkpointStep, attempts } = await ended(id);
    const next = runKeys.checkpoints(id, attempts).find((key) => key !== checkpointKey)!;
    await shop.core.artefacts.write(next, Buffer.from("written, and nobody was told"));
    await training.resume(id);
    const went = await until(
      id,
      "its next checkpoint",
      (run) => run.state === "RUNNING" && run.attempts > attempts && run.checkpointStep !== checkpointStep,
    );
    assert.ok(went.checkpointStep! > checkpointStep!, "not from the beginning");
    await training.cancel(id);
    await ended(id);
  });

  it("begins anew when its checkpoint was lost", async () => {
    const { id } = await training.start({ seed: PLAYS.long });
    await work();
    await until(id, "checkpoints", ({ checkpointStep }) => (checkpointStep ?? 0) >= 30);
    await training.cancel(id);
    const { checkpointKey } = await ended(id);
    await shop.core.artefacts.write(checkpointKey!, Buffer.from("damaged"));
    await training.resume(id);
    await until(
      id,
      "its first epochs again",
      ({ checkpointStep, state }) => state === "RUNNING" && checkpointStep === 10,
    );
    await training.cancel(id);
    assert.equal((await ended(id)).state, "CANCELLED");
  });

  it("is cleared up after by the job's next worker when the one that handed over was killed before it did", async () => {
    const consumer = await work();
    const { id } = await training.start({ seed: PLAYS.short });
    const run = await ended(id);
    await consumer.close();
    const { artefacts, config, database, queue } = shop.core;
    const { trained } = (await shop.core.models.find(run.modelId!))!;
    const [leftCheckpoint, leftFolder] = [runKeys.checkpoints(id, run.attempts)[1], workFolderOf(config, id)];
    await artefacts.write(leftCheckpoint, Buffer.from("left"));
    await mkdir(leftFolder, { recursive: true });
    await queue.enqueue(database, "train-model", [{ runId: id }]);
    await work();
    const deadline = Date.now() + 30_000;
    while ((await database.query("SELECT 1 FROM pgboss.job WHERE name = 'train-model'")).length > 0) {
      assert.ok(Date.now() < deadline, "the job is not done");
      await delay(20);
    }
    await assert.rejects(artefacts.read(leftCheckpoint), { code: "ARTEFACT_MISSING" });
    assert.equal(existsSync(leftFolder), false);
    await artefacts.read(trained!.key, trained!.sha256);
    assert.equal((await training.find(id))?.state, "REFRESHING");
  });

  it("that is cancelled while its model is refreshed is not finished by the gate", async () => {
    await work();
    const { id } = await training.start({ seed: PLAYS.short });
    await ended(id);
    const { modelId } = (await training.find(id))!;
    const isLive = async () => (await shop.core.models.live()).some((model) => model.id === modelId);
    assert.equal(await isLive(), true);
    assert.equal((await training.cancel(id)).state, "CANCELLED");
    assert.equal(await isLive(), false, "no photo is embedded for it any more");
    assert.equal(await finishRun(shop.core.database, id, { gate: DECISION }), false);
    const resumed = await training.resume(id);
    assert.equal(resumed.state, "REFRESHING");
    assert.equal(await isLive(), true);
    assert.equal((await shop.core.models.find(modelId!))?.state, "CANDIDATE");
    const jobs = await shop.core.database.query("SELECT data FROM pgboss.job WHERE name = 'refresh-model'");
    assert.deepEqual(jobs, [{ data: { modelId: resumed.modelId } }]);
  });

  it("leaves, when it was cancelled, a model that is cleaned up after newer ones", async () => {
    await work();
    const { core, config } = shop;
    const models: number[] = [];
    for (let at = 0; at <= config.keepModels; at += 1) {
      const { id } = await training.start({ seed: PLAYS.short });
      models.push((await ended(id)).modelId!);
      await training.cancel(id);
    }
    const removed = (await core.promotion.cleanUp()).map(({ id }) => id);
    assert.deepEqual(
      models.map((id) => removed.includes(id)),
      models.map((_, at) => at === 0),
    );
    const oldest = (await training.list({ limit: 100 })).find(({ modelId }) => modelId === models[0])!;
    const anew = await training.resume(oldest.id);
    assert.deepEqual([anew.state, anew.modelId], ["QUEUED", null], "without its model, a run begins anew");
    await training.cancel(anew.id);
  });

  it("is refused at once where its snapshot would find too little to learn from", async () => {
    const { database } = shop.core;
    const splits = await database.query<{ id: bigint; split: string | null }>("SELECT id, split FROM product");
    const before = (await training.list({ limit: 100 })).length;
    try {
      // Six photos of two labels to learn from, and a catalog full of others.
      await database.query(
        `UPDATE product SET split = (CASE WHEN place > 3 OR label > 2 THEN 'TEST' ELSE 'TRAIN' END)::split
         FROM (SELECT id, row_number() OVER (PARTITION BY category_path ORDER BY id) AS place,
                      dense_rank() OVER (ORDER BY category_path) AS label FROM product) numbered
         WHERE numbered.id = product.id`,
      );
      await database.query("UPDATE product SET split = 'VALIDATION' WHERE id = (SELECT max(id) FROM product)");
      await assert.rejects(training.start({}), {
        code: "NOT_ENOUGH_DATA",
        message: /takes 8 training photos at least; there are \d .*: \d more needed/,
      });
      assert.equal((await training.list({ limit: 100 })).length, before);
    } finally {
      await database.query(
        `UPDATE product SET split = kept.split::split FROM unnest($1::bigint[], $2::text[]) AS kept (id, split)
         WHERE kept.id = product.id`,
        [splits.map(({ id }) => id), splits.map(({ split }) => split)],
      );
    }
  });

  it("tells how well it found the labels that were replaced on purpose", async () => {
    await work();
    const { id } = await training.start({ seed: PLAYS.talkative, labelNoise: 0.9 });
    const { snapshotKey, suspectAccuracy } = await ended(id);
    const snapshot = JSON.parse((await shop.core.artefacts.read(snapshotKey!)).toString()) as Snapshot;
    const replaced = Object.keys(snapshot.replacedLabels!).length;
    // The played trainer suspects the photo at place 2.
    const found = snapshot.replacedLabels![2] === undefined ? 0 : 1;
    assert.ok(replaced > 20);
    assert.deepEqual(suspectAccuracy, { replaced, suspected: 1, found, precision: found, recall: found / replaced });
    const clean = await training.start({ seed: PLAYS.talkative });
    assert.equal((await ended(clean.id)).suspectAccuracy, null);
  });
});

/** Processes that a process has started and that run. */
function childrenOf(pid: number): number[] {
  return execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(Number);
}
