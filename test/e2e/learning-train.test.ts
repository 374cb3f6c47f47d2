import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { TrainingRun } from "../../src/learning/runs/training-run.type.js";
import { isRunning, lookalike, startLookalike } from "../support/command-line.js";
import { describeOnBothDatabases } from "../support/database.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";

const HEAD = ["train", "--recipe", "head", "--budget-minutes", "0.2", "--wait", "--json"];

interface RunAnswer {
  readonly device: string;
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly epochs: { epoch: number; loss: number }[];
  readonly result: { dims: number; validation: { mapAtR: number } };
  readonly model: { id: number; state: string };
  readonly gate: { passed: boolean; reason: string };
  readonly failure: unknown;
}

describeOnBothDatabases("training by command, for real, with an encoder of one layer", (_, kind) => {
  let shop: TinyShop;
  let settings: Record<string, string>;
  before(async () => {
    shop = await openTinyShop(kind, 5);
    const { data, databaseUrl } = shop.config;
    settings = {
      LOOKALIKE_DATA: data,
      LOOKALIKE_ENCODER: "tiny",
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    };
  });
  after(() => shop.close());

  it("counts first, and refuses what it cannot learn from", async () => {
    const dry = await lookalike(["train", "--dry-run", "--json"], settings);
    assert.equal(dry.code, 0, dry.stderr);
    const { counts, plan } = JSON.parse(dry.stdout) as { counts: Record<string, number>; plan: { recipe: string } };
    assert.deepEqual([counts.photos, counts.labels, plan.recipe], [120, 4, "head"]);
    const poor = await lookalike(["train", "--labels-only", "Mugs"], settings);
    assert.deepEqual([poor.code, poor.stdout], [1, ""]);
    assert.match(poor.stderr, /1 more/);
    const wrong = await lookalike(["train", "--positives", "colour"], settings);
    assert.match(wrong.stderr, /attribute:NAME/);
    assert.equal((await lookalike(["runs"], settings)).stdout, 'No training run yet: "lookalike train" starts one.\n');
  });

  it("trains with a worker of its own, refreshes, asks the gate and answers", async () => {
    const { code, stdout, stderr } = await lookalike(HEAD, settings);
    assert.equal(code, 0, stderr);
    const run = JSON.parse(stdout) as RunAnswer;
    assert.deepEqual([run.state, run.device, run.attempts, run.failure], ["SUCCEEDED", "cpu", 1, null]);
    assert.ok(run.epochs.length > 0);
    assert.ok(run.result.validation.mapAtR > 0.5);
    assert.match(run.gate.reason, /./);
    assert.match(stderr, /No worker is running: starting one/);
    assert.match(stderr, /Plan: .*"head"/);
    assert.match(stderr, /Epoch 1 \(head\): loss/);
    const [vectors] = await shop.core.database.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM vectors.photo_vector WHERE model_id = $1",
      [run.model.id],
    );
    assert.equal(vectors?.count, 120);

    const list = await lookalike(["runs", "--json"], settings);
    assert.deepEqual(
      (JSON.parse(list.stdout) as { id: string; state: string }[]).map(({ id, state }) => ({ id, state })),
      [{ id: run.id, state: "SUCCEEDED" }],
    );
    const told = await lookalike(["runs", run.id.slice(0, 8)], settings);
    assert.match(told.stdout, /SUCCEEDED.*\n.*learns from category; recipe head/);
    assert.match((await lookalike(["suspects"], settings)).stdout, /suspects no label|looks like/);
    for (const command of ["cancel", "resume"]) {
      const late = await lookalike([command, "latest"], settings);
      assert.equal(late.code, 1);
      assert.match(late.stderr, command === "cancel" ? /has ended already: SUCCEEDED/ : /nothing to go on with/);
    }
    assert.equal((await lookalike(["runs", "nobody"], settings)).code, 1);
  });

  it("goes on after its trainer is killed with SIGKILL, and comes to the very same end", async () => {
    const [first] = await shop.core.training.list({ limit: 1 });
    const { core } = shop;
    const command = lookalike(HEAD, settings);
    const [id] = await Promise.race([
      killTrainer(),
      command.then(({ stderr }) => Promise.reject(new Error(`ended too early: ${stderr}`))),
    ]);
    const { code, stdout, stderr } = await command;
    assert.equal(code, 0, stderr);
    const run = JSON.parse(stdout) as RunAnswer;
    assert.equal(run.id, id);
    assert.deepEqual([run.state, run.attempts], ["SUCCEEDED", 2]);
    assert.match(stderr, /Trying again: The trainer process was ended by SIGKILL/);
    const before = await core.database.query(
      "SELECT epoch, step, loss FROM training_epoch WHERE run_id = $1 ORDER BY 1",
      [first!.id],
    );
    const again = await core.database.query(
      "SELECT epoch, step, loss FROM training_epoch WHERE run_id = $1 ORDER BY 1",
      [id],
    );
    // The plan counts steps by how fast the machine was, so runs compare as far as both planned the same.
    if (before.length === again.length && stepsOf(before) === stepsOf(again)) assert.deepEqual(again, before);

    async function killTrainer(): Promise<[string]> {
      for (;;) {
        await delay(10);
        const [run] = await core.training.list({ limit: 1 });
        if (!run || run.id === first!.id || !isAtWork(run)) continue;
        const [trainer] = await trainersOf(shop);
        if (trainer === undefined) continue;
        process.kill(trainer, "SIGKILL");
        return [run.id];
      }
    }
  });

  it("stops waiting on Ctrl-C without losing the run, which can be cancelled and resumed", async () => {
    const { id } = await shop.core.training.start({ recipe: "head", budgetMinutes: 0.2 });
    await shop.core.training.cancel(id);
    const waiting = startLookalike(["resume", id, "--wait", "--json"], settings);
    const deadline = Date.now() + 120_000;
    while (!isAtWork((await shop.core.training.find(id))!)) {
      assert.ok(Date.now() < deadline, "no checkpoint came");
      await delay(20);
    }
    waiting.signal("SIGINT");
    const interrupted = await waiting.ended;
    assert.equal(interrupted.code, 130, interrupted.stderr);
    assert.match(interrupted.stderr, new RegExp(`goes on.*lookalike resume ${id} --wait.*lookalike cancel ${id}`, "s"));
    assert.equal((await shop.core.training.find(id))?.state, "QUEUED");
    assert.deepEqual((await trainersOf(shop)).filter(isRunning), []);
    const cancelled = await lookalike(["cancel", id, "--json"], settings);
    assert.equal((JSON.parse(cancelled.stdout) as RunAnswer).state, "CANCELLED");
    const resumed = await lookalike(["resume", id, "--wait", "--json"], settings);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal((JSON.parse(resumed.stdout) as RunAnswer).state, "SUCCEEDED");
  });
});

function isAtWork({ state, checkpointStep }: TrainingRun): boolean {
  return state === "RUNNING" && checkpointStep !== null;
}

function stepsOf(rows: readonly Record<string, unknown>[]): string {
  return rows.map(({ step }) => step).join();
}

/** Processes that workers of the shop's database have started. */
async function trainersOf({ core }: TinyShop): Promise<number[]> {
  const workers = await core.database.query<{ pid: number }>("SELECT pid FROM worker_presence");
  return workers.flatMap(({ pid }) => {
    try {
      const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
      return children
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map(Number);
    } catch {
      // ps says by its exit code that there are none.
      return [];
    }
  });
}
