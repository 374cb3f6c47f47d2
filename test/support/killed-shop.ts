import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../src/config.js";
import { openDatabase } from "../../src/database/connect.js";
import type { Database } from "../../src/database/database.type.js";
import { isRunning, SERVING, type Service, startService, workerOf } from "./command-line.js";
import { type DatabaseKind, testLogger } from "./database.js";
import { drawPatternFeed } from "./drawn-feed.js";
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
const ORPHAN_MS = 20_000;
/** Longer than the longest pause of the supervisor. */
const SUPERVISED_WITHIN_MS = 60_000;

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

/** So many that what a run holds out is more than the gate's thirty. */
export const PRODUCTS = 400;

/** @param supervised whether the API keeps the worker, as `lookalike serve` does; otherwise both are started apart */
export async function openKilledShop(kind: DatabaseKind, { supervised = false } = {}): Promise<KilledShop> {
  const mark = randomUUID();
  const { core, config, test } = await openDrawnShop(kind, await drawnEncoder(), (folder) =>
    drawPatternFeed(folder, PRODUCTS),
  );
  await core.close();
  // The API is to host it.
  if (kind === "embedded") await test.database.close();
  const processes = createProcesses(supervised, {
    LOOKALIKE_DATA: config.data,
    LOOKALIKE_ENCODER: config.encoder,
    LOOKALIKE_ADMIN_TOKEN: ADMIN_TOKEN,
    ...(config.databaseUrl === undefined ? {} : { DATABASE_URL: config.databaseUrl }),
    [MARK]: mark,
  });
  let outage: Outage = { number: 0, isOver: true };
  const trainers = (): number[] => processesOf(mark).filter(isTrainer);
  const restart = async (): Promise<void> => {
    await processes.startApi();
    outage = { ...outage, isOver: true };
    await processes.startWorker();
  };
  await restart();
  return {
    config,
    kind,
    restart,
    trainers,
    log: processes.log,
    get outage() {
      return outage;
    },
    async ask<Data>(query: string, variables?: Record<string, unknown>) {
      const { data, errors } = await askGraphql<Data>(processes.address(), query, variables, asAdmin);
      if (errors !== undefined || !data) throw new Error(`The API refused ${query}: ${JSON.stringify(errors)}`);
      return data;
    },
    async kill(victims) {
      if (victims.includes("api")) outage = { number: outage.number + 1, isOver: false };
      const targets = victims.map(
        (victim) => [victim, victim === "trainer" ? trainers()[0] : processes.pid(victim)] as const,
      );
      const met = targets.filter(([, pid]) => pid !== undefined && send(pid, "SIGKILL")).map(([victim]) => victim);
      await processes.gone(met);
      return met;
    },
    async orphans() {
      const left = (): number[] => trainers().filter((pid) => parentOf(pid) !== processes.pid("worker"));
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
    async close() {
      await processes.stop();
      for (const pid of processesOf(mark)) send(pid, "SIGKILL");
      await test.drop();
    },
  };
}

/** The API and the worker of one shop. */
function createProcesses(supervised: boolean, settings: Record<string, string>) {
  let api: Service | undefined;
  /** Only one that is not the API's child. */
  let worker: Service | undefined;
  let killedWorker: number | undefined;
  let address = "";
  let lastWords: string[] = [];
  const remember = (name: string, service: Service): void => {
    lastWords = [...lastWords, `${name} ${service.pid}, killed:\n${endOf(service.log())}`].slice(-4);
  };
  return {
    address: () => address,
    pid: (name: "api" | "worker"): number | undefined => {
      if (name === "api") return api?.pid;
      return supervised ? api && workerOf(api) : worker?.pid;
    },
    async startApi(): Promise<void> {
      if (api) return;
      api = startService(["serve", ...(supervised ? [] : ["--no-worker"]), "--port", "0"], settings);
      address = (await api.saw(SERVING))[1]!;
    },
    async startWorker(): Promise<void> {
      if (!supervised) {
        worker ??= startService(["worker"], settings);
        await worker.saw(/"taking jobs"/);
        return;
      }
      // Its supervisor starts it again, after a pause that grows with each time.
      const deadline = Date.now() + SUPERVISED_WITHIN_MS;
      while (workerOf(api!) === undefined || workerOf(api!) === killedWorker) {
        if (Date.now() > deadline) throw new Error(`The supervisor starts no worker: ${endOf(api!.log())}`);
        await delay(50);
      }
    },
    /** Notes who was killed, when they are gone. */
    async gone(met: readonly Victim[]): Promise<void> {
      killedWorker = met.includes("worker") && api ? workerOf(api) : undefined;
      const services: Service[] = [];
      if (met.includes("api")) {
        remember("api", api!);
        services.push(api!);
        api = undefined;
      }
      if (met.includes("worker") && worker) {
        remember("worker", worker);
        services.push(worker);
        worker = undefined;
      }
      await Promise.all(services.map(({ ended }) => ended));
    },
    log: (): string =>
      [
        ...lastWords,
        ...(api ? [`api ${api.pid}:\n${endOf(api.log())}`] : []),
        ...(worker ? [`worker ${worker.pid}:\n${endOf(worker.log())}`] : []),
      ].join("\n"),
    async stop(): Promise<void> {
      for (const service of [worker, api]) {
        service?.signal("SIGTERM");
        await service?.ended;
      }
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
