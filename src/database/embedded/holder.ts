import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LookalikeError } from "../../errors.js";
import { EmbeddedDatabaseFailed } from "../errors.js";
import { livenessOf, ownIdentity, type ProcessIdentity } from "./process-identity.js";

/** A holder touches its record this often, so that processes in other containers can see it live. */
export const HEARTBEAT_MS = 2_000;
const SILENCE_MEANS_GONE_MS = 5 * HEARTBEAT_MS;
const WATCH_MS = 100;

/** Who hosts a data folder's database, as its record says. */
export interface Holder extends ProcessIdentity {
  readonly role: "server" | "client";
  /** Folder of the unix socket on which the database is served. */
  readonly socketDirectory: string;
  /** Where the holder serves HTTP, once it does. */
  readonly httpAddress?: string;
}

type HolderRecord = Holder & { readonly released?: boolean };

export interface Hold {
  readonly folder: string;
  readonly generation: number;
  readonly file: string;
}

/**
 * The process that hosts the embedded database of this data folder now; undefined when nobody does.
 * @param silenceMs how long a process in another container may say nothing before it is taken for dead
 */
export async function describeHolder(
  dataFolder: string,
  silenceMs = SILENCE_MEANS_GONE_MS,
): Promise<Holder | undefined> {
  return (await inspect(dataFolder, silenceMs)).holder;
}

/** The newest record's number, and its holder if that one lives. */
async function inspect(
  dataFolder: string,
  silenceMs = SILENCE_MEANS_GONE_MS,
): Promise<{ readonly newest: number; readonly holder?: Holder }> {
  const newest = newestGeneration(holderFolder(dataFolder));
  if (newest === 0) return { newest };
  const file = recordFile(holderFolder(dataFolder), newest);
  const record = readRecord(file);
  return record !== undefined && (await isAlive(file, record, silenceMs)) ? { newest, holder: record } : { newest };
}

/** Records where this process serves HTTP, for commands that want to reach it. Does nothing if it is no holder. */
export async function announceHttpAddress(dataFolder: string, httpAddress: string): Promise<void> {
  const folder = holderFolder(dataFolder);
  const file = recordFile(folder, newestGeneration(folder));
  const record = readRecord(file);
  if (record && !record.released && record.pid === process.pid && livenessOf(record) === "alive") {
    replace(file, { ...record, httpAddress });
  }
}

/**
 * Takes the data folder for this process, or says who has it.
 *
 * Records are numbered. A new holder creates the number after the newest one with link(2), which succeeds for one
 * process only, and the newest record is never removed, only marked as released: removing a stale lock file instead
 * would let two processes that both judged it stale remove each other's fresh one.
 * @throws EmbeddedDatabaseFailed when the folder cannot be written
 */
export async function takeHold(
  dataFolder: string,
  holder: Pick<Holder, "role" | "socketDirectory">,
): Promise<{ readonly hold: Hold } | { readonly occupiedBy: Holder }> {
  const folder = holderFolder(dataFolder);
  try {
    return await takeFolder(dataFolder, folder, holder);
  } catch (error) {
    throw error instanceof LookalikeError ? error : new EmbeddedDatabaseFailed(folder, error);
  }
}

async function takeFolder(
  dataFolder: string,
  folder: string,
  holder: Pick<Holder, "role" | "socketDirectory">,
): ReturnType<typeof takeHold> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (;;) {
    const { newest, holder: occupiedBy } = await inspect(dataFolder);
    if (occupiedBy) return { occupiedBy };
    // The number after the one that was judged, whatever is the newest by now.
    const generation = newest + 1;
    const file = recordFile(folder, generation);
    if (!createExclusively(file, { ...ownIdentity(), ...holder })) continue;
    // A process that was asleep since it looked may have created a number that others have long gone past.
    if (newestGeneration(folder) !== generation) {
      rmSync(file, { force: true });
      continue;
    }
    removeOlder(folder, generation);
    return { hold: { folder, generation, file } };
  }
}

/** Marks the folder as free. */
export function releaseHold(hold: Hold): void {
  const record = readRecord(hold.file);
  if (record) replace(hold.file, { ...record, released: true });
}

/** False once another process has taken over, as one may after this process was frozen for long. */
export function stillHolds(hold: Hold): boolean {
  return newestGeneration(hold.folder) === hold.generation;
}

async function isAlive(file: string, record: HolderRecord, silenceMs: number): Promise<boolean> {
  if (record.released) return false;
  const liveness = livenessOf(record);
  if (liveness !== "unknown") return liveness === "alive";
  // Watched for change rather than compared with this machine's clock, which may differ from the other one's.
  const before = modified(file);
  for (let waited = 0; waited < silenceMs; waited += WATCH_MS) {
    await sleep(WATCH_MS);
    if (modified(file) !== before) return !readRecord(file)?.released;
  }
  return false;
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function holderFolder(dataFolder: string): string {
  return path.join(dataFolder, "database");
}

function recordFile(folder: string, generation: number): string {
  return path.join(folder, `holder-${String(generation).padStart(6, "0")}.json`);
}

function generationsIn(folder: string): number[] {
  try {
    return readdirSync(folder).flatMap((name) => {
      const match = /^holder-(\d+)\.json$/.exec(name);
      return match ? [Number(match[1])] : [];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function newestGeneration(folder: string): number {
  return Math.max(0, ...generationsIn(folder));
}

function removeOlder(folder: string, generation: number): void {
  for (const older of generationsIn(folder)) {
    if (older < generation) rmSync(recordFile(folder, older), { force: true });
  }
}

function readRecord(file: string): HolderRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as HolderRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function createExclusively(file: string, record: HolderRecord): boolean {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(record, null, 2), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file: string, record: HolderRecord): void {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(record, null, 2), { mode: 0o600 });
  renameSync(draft, file);
}
