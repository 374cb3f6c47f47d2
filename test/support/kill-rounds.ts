import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../src/errors.js";
import type { DatabaseKind } from "./database.js";
import { checkSettled, checkShop, type EndedRun, isIdle, leftoverFiles, Violated } from "./kill-checks.js";
import type { PlannedKill, PlannedRun, Victim } from "./kill-plan.js";
import { startShopper, watchActive } from "./kill-watchers.js";
import { type KilledShop, openKilledShop } from "./killed-shop.js";

export interface KillRecord {
  readonly number: number;
  readonly killed: readonly Victim[];
  /** Of the run at the kill. */
  readonly phase: string;
}

export interface RoundsReport {
  readonly kills: readonly KillRecord[];
  readonly runs: readonly (EndedRun & { readonly kills: number; readonly resumedByHand: boolean })[];
  readonly promotions: { readonly byGate: number; readonly byPeople: number; readonly back: number };
  /** Of the shopper who asks all the time. */
  readonly answers: { readonly given: number; readonly whileTheApiWasAway: number };
  /** Files that no run or model needs any more. */
  readonly leftovers: readonly string[];
  /** An undisturbed run from its start to its end, milliseconds. */
  readonly usualMs: number;
}

interface RunState {
  readonly id: string;
  readonly state: string;
  readonly stage: string | null;
  readonly attempts: number;
  readonly model: { readonly id: string; readonly state: string } | null;
}

const START = `mutation ($input: StartTrainingInput!) { startTraining(input: $input) { run { id } userErrors { code message } } }`;
const RUN = "query ($id: ID!) { trainingRun(id: $id) { id state stage attempts model { id state } } }";
const RESUME = "mutation ($id: ID!) { resumeTraining(id: $id) { run { id } userErrors { code message } } }";
const PROMOTE = `mutation ($id: ID!) { promoteModel(id: $id, force: true) { model { id state } userErrors { code message } } }`;
const MODELS = "{ models { id state parent { id } runId } }";

/** 0.1 minutes is the shortest training there is. */
const BUDGET_MINUTES = 0.1;
const LOOK_EVERY_MS = 50;
/** A lost job comes back within half a minute; a run has several attempts. */
const SETTLE_WITHIN_MS = 300_000;
const MOVES_WITHIN_MS = 90_000;

/**
 * Kills processes of one shop as planned, starts them again, and checks after each kill, and whenever all has settled,
 * what must always hold.
 * @param options usual: how long a run takes here; measured with an undisturbed one if unset
 * @throws Violated, naming the kill
 */
export async function killByPlan(
  kind: DatabaseKind,
  plan: readonly PlannedKill[],
  say: (line: string) => void,
  { supervised = false, usual }: { readonly supervised?: boolean; readonly usual?: Usual } = {},
): Promise<RoundsReport> {
  const shop = await openKilledShop(kind, { supervised });
  const shopper = startShopper(shop);
  const watch = watchActive(shop);
  let at = "before the first kill";
  try {
    return await Promise.race([
      shopper.failed,
      watch.failed,
      rounds(shop, plan, usual, (now) => {
        at = now;
        say(now);
      }).then(async (report) => ({ ...report, answers: await shopper.stop() })),
    ]);
  } catch (error) {
    throw new Violated(`${at}: ${messageOf(error)}\n${shop.log()}`, { cause: error });
  } finally {
    await Promise.allSettled([shopper.stop(), watch.stop()]);
    await shop.close();
  }
}

async function rounds(
  shop: KilledShop,
  plan: readonly PlannedKill[],
  given: Usual | undefined,
  say: (at: string) => void,
): Promise<Omit<RoundsReport, "answers">> {
  const kills: KillRecord[] = [];
  const runs: (EndedRun & { kills: number; resumedByHand: boolean })[] = [];
  const promotions = { byGate: 0, byPeople: 0, back: 0 };
  const { models } = await shop.ask<{ models: { id: string }[] }>(MODELS);
  const baseId = models[0]!.id;
  let usual = given ?? (await undisturbed());

  /** Trained models are judged against the base, so that the gate has something to say yes to. */
  async function begin(planned: PlannedRun): Promise<Current> {
    const { models } = await shop.ask<{ models: { id: string; state: string }[] }>(MODELS);
    if (models.find(({ state }) => state === "ACTIVE")?.id !== baseId) {
      await promote(shop, baseId);
      promotions.back += 1;
    }
    const input = { ...planned, budgetMinutes: BUDGET_MINUTES, device: "CPU" };
    const { startTraining } = await shop.ask<{ startTraining: { run: { id: string } | null; userErrors: unknown[] } }>(
      START,
      { input },
    );
    if (!startTraining.run) throw new Error(`No run was started: ${JSON.stringify(startTraining.userErrors)}`);
    return { id: startTraining.run.id, planned, startedAt: Date.now(), kills: 0 };
  }

  async function end(current: Current): Promise<void> {
    await settle(shop);
    let run = await checkSettled(shop, current.id);
    let resumedByHand = false;
    if (run.state !== "SUCCEEDED") {
      say(`run ${current.id} ${run.state}, ${run.failureCode}: resumed by hand`);
      await shop.ask(RESUME, { id: current.id });
      resumedByHand = true;
      await settle(shop);
      const { failureCode } = run;
      run = { ...(await checkSettled(shop, current.id)), failureCode };
      if (run.state !== "SUCCEEDED") throw new Violated(`undisturbed, the resumed run ${run.id} is ${run.state}`);
    }
    if (current.planned.promote === "NEVER") {
      await promote(shop, String(run.modelId));
      promotions.byPeople += 1;
    } else if (run.gate?.passed) promotions.byGate += 1;
    say(`run ${run.id} ${run.state}; gate: ${run.gate?.reason}`);
    await checkShop(shop, ["prod_3", "prod_50"]);
    runs.push({ ...run, kills: current.kills, resumedByHand });
  }

  let current: Current | undefined;
  for (const kill of plan) {
    let attempt = 0;
    for (;;) {
      if (current && kill.when === "promotion" && current.planned.promote !== "NEVER") {
        await end(current);
        current = undefined;
      }
      const met: Current = current ?? (await begin(kill.run));
      current = met;
      // A run that was faster than usual has ended before its moment: the next one is met earlier.
      const moment = await waitForMoment(shop, met, { ...kill, at: kill.at * 0.7 ** attempt }, usual);
      if (moment !== undefined) {
        await meet(met, kill, moment);
        break;
      }
      if (met.kills === 0) usual = { ...usual, wholeMs: Math.min(usual.wholeMs, Date.now() - met.startedAt) };
      await end(met);
      current = undefined;
      attempt += 1;
    }
    if (!kill.again) {
      await end(current!);
      current = undefined;
    }
  }
  if (current) await end(current);
  return { kills, runs, promotions, leftovers: await leftoverFiles(shop), usualMs: usual.wholeMs };

  async function undisturbed(): Promise<Usual> {
    const run = await begin({ recipe: "HEAD", promote: "IF_BETTER", seed: 1 });
    const measured = await measure(shop, run);
    await end(run);
    return measured;
  }

  async function meet(met: Current, kill: PlannedKill, { phase, seen, promoting }: Moment): Promise<void> {
    // Whoever was to be killed may not be there: only while a run trains is there a trainer.
    const chosen = kill.victims.filter((victim) => victim !== "trainer" || shop.trainers().length > 0);
    const killed = await shop.kill(chosen.length > 0 ? chosen : ["worker"]);
    met.kills += 1;
    met.seen = kill.waits ? seen : undefined;
    met.killedAt = Date.now();
    kills.push({ number: kill.number, killed, phase });
    say(`kill ${kill.number} (${killed.join(" + ")}, ${phase})`);
    await promoting?.catch(() => undefined);
    if (!killed.includes("api")) await checkShop(shop, ["prod_1"]);
    await delay(kill.restartAfterMs);
    await shop.restart();
    await checkShop(shop, [`prod_${1 + kill.number}`, "prod_7"]);
  }
}

/** Milliseconds, of an undisturbed run. */
export interface Usual {
  readonly wholeMs: number;
  readonly refreshMs: number;
}

interface Current {
  readonly id: string;
  readonly planned: PlannedRun;
  readonly startedAt: number;
  kills: number;
  killedAt?: number;
  /** The run as it was at the last kill, when the next one is to wait until it works again. */
  seen?: RunState | undefined;
}

interface Moment {
  readonly phase: string;
  readonly seen: RunState;
  /** The promotion that people have asked for. */
  readonly promoting?: Promise<unknown>;
}

async function measure(shop: KilledShop, { id, startedAt }: Current): Promise<Usual> {
  let refreshingAt: number | undefined;
  for (;;) {
    const { state } = await lookAt(shop, id);
    if (state === "REFRESHING") refreshingAt ??= Date.now();
    if (hasEnded(state)) break;
    await delay(LOOK_EVERY_MS);
  }
  const now = Date.now();
  return { wholeMs: now - startedAt, refreshMs: Math.max(1_000, now - (refreshingAt ?? now)) };
}

/** @returns undefined when the run ended before its moment came */
async function waitForMoment(
  shop: KilledShop,
  run: Current,
  { when, at }: PlannedKill,
  usual: Usual,
): Promise<Moment | undefined> {
  let countFrom = run.killedAt ?? run.startedAt;
  const deadline = Date.now() + MOVES_WITHIN_MS;
  const { seen } = run;
  if (seen) {
    for (;;) {
      const now = await lookAt(shop, run.id);
      if (hasEnded(now.state) || now.attempts !== seen.attempts || now.state !== seen.state) break;
      if (Date.now() > deadline) break;
      await delay(LOOK_EVERY_MS);
    }
    countFrom = Date.now();
  }
  let killAt = when === "whole" ? countFrom + at * usual.wholeMs : undefined;
  for (;;) {
    const now = await lookAt(shop, run.id);
    if (hasEnded(now.state)) {
      if (when !== "promotion" || now.state !== "SUCCEEDED") return undefined;
      // A promotion takes some ten milliseconds; its answer may be lost with the API.
      const promoting = shop.ask(PROMOTE, { id: now.model!.id });
      promoting.catch(() => undefined);
      await delay(at * 40);
      return { phase: "promotion", seen: now, promoting };
    }
    if (when === "refresh" && now.state === "REFRESHING") killAt ??= Date.now() + at * usual.refreshMs;
    if (killAt !== undefined && Date.now() >= killAt) {
      return { phase: now.state === "QUEUED" ? "waiting" : `${now.state}: ${now.stage ?? "beginning"}`, seen: now };
    }
    if (Date.now() > deadline + SETTLE_WITHIN_MS) throw new Violated(`run ${run.id} stays ${now.state} ${now.stage}`);
    await delay(killAt === undefined ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(1, killAt - Date.now())));
  }
}

async function lookAt(shop: KilledShop, id: string): Promise<RunState> {
  const { trainingRun } = await shop.ask<{ trainingRun: RunState }>(RUN, { id });
  return trainingRun;
}

function hasEnded(state: string): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED";
}

async function promote(shop: KilledShop, id: string): Promise<void> {
  const { promoteModel } = await shop.ask<{ promoteModel: { model: { state: string } | null; userErrors: unknown[] } }>(
    PROMOTE,
    { id },
  );
  if (promoteModel.model?.state !== "ACTIVE") {
    throw new Violated(`model ${id} cannot be promoted: ${JSON.stringify(promoteModel.userErrors)}`);
  }
}

async function settle(shop: KilledShop): Promise<void> {
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  while (!(await shop.look(isIdle))) {
    if (Date.now() > deadline) throw new Violated("runs or jobs are under way for ever");
    await delay(200);
  }
}
