import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../src/config.js";
import { openDatabase } from "../../src/database/connect.js";
import type { Database } from "../../src/database/database.type.js";
import { isRunning, SERVING, type Service, startService } from "./command-line.js";
import { type DatabaseKind, testLogger } from "./database.js";
import type { Victim } from "./kill-plan.js";
import { drawnEncoder } from "./learning-drawn.js";
import { ADMIN_TOKEN, asAdmin, askGraphql } from "./shop.js";
import { openDrawnShop } from "./tiny-shop.js";

/** Why processes of a shop cannot be told apart here; false where they can. */
export const processesHidden: string | false =
  process.platform === "linux" ? false : "trainers are found in /proc, which only Linux has";

/** Set in every process of one shop, so that its trainers are found even when their worker is gone. */
const MARK = "KILLED_SHOP";
/** A trainer ends with its worker; on a machine that computes hard the news may take a moment. */
const ORPHAN_MS = 15_000;

/** Changes with each kill of the API: an answer that did not come is excused when this is another one by then. */
export interface Outage {
  readonly number: number;
  readonly isOver: boolean;
}

/** A shop whose API and worker are real processes, made to be killed and started again. */
export interface KilledShop {
  readonly config: Config;
  readonly kind: DatabaseKind;
  readonly outage: Outage;
  /** Asks the API as an administrator. @throws when it answers with errors, or not at all */
  ask<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  /** SIGKILL to those of them that run, all at once. @returns whom it met */
  kill(victims: readonly Victim[]): Promise<Victim[]>;
  /** Starts the API and the worker again, where they are gone. */
  restart(): Promise<void>;
  /** Trainers that run, whoever started them. */
  trainers(): number[];
  /** Waits until no trainer runs whose worker is gone. @returns those that go on nevertheless */
  orphans(): Promise<number[]>;
  /** Looks into the database, of which the API may be the host. */
  look<T>(work: (database: Database) => Promise<T>): Promise<T>;
  /** The end of what its processes logged. */
  log(): string;
  close(): Promise<void>;
}

/** @param copies of each of the 24 drawn products */
export async function openKilledShop(kind: DatabaseKind, copies = 5): Promise<KilledShop> {
  const mark = randomUUID();
  const { core, config, test } = await openDrawnShop(kind, await drawnEncoder(), copies);
  await core.close();
  // The API is to host it.
  if (kind === "embedded") await test.database.close();
  const settings: Record<string, string> = {
    LOOKALIKE_DATA: config.data,
    LOOKALIKE_ENCODER: config.encoder,
    LOOKALIKE_ADMIN_TOKEN: ADMIN_TOKEN,
    ...(config.databaseUrl === undefined ? {} : { DATABASE_URL: config.databaseUrl }),
    [MARK]: mark,
  };
  let api: Service | undefined;
  let worker: Service | undefined;
  let address = "";
  let outage: Outage = { number: 0, isOver: true };
  let lastWords: string[] = [];

  async function startApi(): Promise<void> {
    const started = startService(["serve", "--no-worker", "--port", "0"], settings);
    api = started;
    address = (await started.saw(SERVING))[1]!;
    outage = { ...outage, isOver: true };
  }
  async function startWorker(): Promise<void> {
    const started = startService(["worker"], settings);
    worker = started;
    await started.saw(/"taking jobs"/);
  }
  const trainers = (): number[] => processesOf(mark).filter(isTrainer);

  async function restart(): Promise<void> {
    if (api === undefined) await startApi();
    if (worker === undefined) await startWorker();
  }
  await restart();
  return {
    config,
    kind,
    get outage() {
      return outage;
    },
    async ask<Data>(query: string, variables?: Record<string, unknown>) {
      const { data, errors } = await askGraphql<Data>(address, query, variables, asAdmin);
      if (errors !== undefined || !data) throw new Error(`The API refused ${query}: ${JSON.stringify(errors)}`);
      return data;
    },
    async kill(victims) {
      const met: Victim[] = [];
      const gone: Promise<unknown>[] = [];
      const targets: [Victim, number | undefined][] = victims.map((victim) => {
        if (victim === "api") return [victim, api?.pid];
        if (victim === "worker") return [victim, worker?.pid];
        return [victim, trainers()[0]];
      });
      if (victims.includes("api") && api) outage = { number: outage.number + 1, isOver: false };
      for (const [victim, pid] of targets) {
        if (pid === undefined || !send(pid, "SIGKILL")) continue;
        met.push(victim);
      }
      const last = (name: string, service: Service): void => {
        gone.push(service.ended);
        lastWords = [...lastWords, `${name} ${service.pid}, killed:\n${endOf(service.log())}`].slice(-4);
      };
      if (met.includes("api")) {
        last("api", api!);
        api = undefined;
      }
      if (met.includes("worker")) {
        last("worker", worker!);
        worker = undefined;
      }
      await Promise.all(gone);
      return met;
    },
    restart,
    trainers,
    async orphans() {
      const left = (): number[] => trainers().filter((pid) => parentOf(pid) !== worker?.pid);
      for (let waited = 0; waited < ORPHAN_MS && left().length > 0; waited += 100) await delay(100);
      return left();
    },
    async look(work) {
      if (kind === "postgres") return work(test.database);
      const database = await openDatabase(config, testLogger, { role: "guest", migrate: false, connections: 1 });
      try {
        return await work(database);
      } finally {
        await database.close();
      }
    },
    log: () =>
      [
        ...lastWords,
        ...(api ? [`api ${api.pid}:\n${endOf(api.log())}`] : []),
        ...(worker ? [`worker ${worker.pid}:\n${endOf(worker.log())}`] : []),
      ].join("\n"),
    async close() {
      for (const service of [worker, api]) {
        service?.signal("SIGTERM");
        await service?.ended;
      }
      for (const pid of processesOf(mark)) send(pid, "SIGKILL");
      await test.drop();
    },
  };
}

/** Lines of a log that a violation is reported with. */
const LINES = 25;

function endOf(log: string): string {
  return log.trimEnd().split("\n").slice(-LINES).join("\n");
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  if (!isRunning(pid)) return false;
  process.kill(pid, signal);
  return true;
}

function processesOf(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && readProcess(pid, "environ").includes(`${MARK}=${mark}`));
}

function isTrainer(pid: number): boolean {
  return readProcess(pid, "cmdline")
    .split("\0")
    .some((word) => path.basename(word) === "main-trainer.js");
}

function parentOf(pid: number): number | undefined {
  const parent = /^PPid:\s+(\d+)/m.exec(readProcess(pid, "status"))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Empty for a process that is gone, is a zombie or is somebody else's. */
function readProcess(pid: number, what: "environ" | "cmdline" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}
