import { mkdirSync, rmSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Logger } from "../../logger.js";
import {
  DatabaseNotRunning,
  DatabaseUnreachable,
  DataFolderInUse,
  EmbeddedDatabaseFailed,
  EmbeddedDatabaseStopped,
} from "../errors.js";
import { describeHolder, type Hold, type Holder, releaseHold, takeHold } from "./holder.js";
import type { HostThreadData, HostThreadReply, HostThreadRequest } from "./host.thread.js";
import { SOCKET_NAME, socketDirectoryFor } from "./socket-directory.js";

/**
 * What a process is to a data folder. A `server` hosts it and is refused when it is taken; a `client` joins whoever
 * hosts it and hosts it itself otherwise; a `guest` only ever joins.
 */
export type DataFolderRole = "server" | "client" | "guest";

export interface Seat {
  readonly socketDirectory: string;
  /** Gives the seat up. A client that hosts stays until the last other process has gone. */
  leave(): Promise<void>;
}

/** How long a host may take to open its database before those who wait for it give up. */
const OPENING_MS = 60_000;

/**
 * Hosts the embedded database of a data folder, or joins its host, as the role says.
 * @throws DataFolderInUse, DatabaseNotRunning, DatabaseUnreachable, EmbeddedDatabaseFailed
 */
export async function holdOrJoin(dataFolder: string, role: DataFolderRole, logger: Logger): Promise<Seat> {
  for (let attempt = 1; ; attempt += 1) {
    const holder = role === "server" ? undefined : await describeHolder(dataFolder);
    if (holder && (await becomesReachable(dataFolder, holder))) {
      return { socketDirectory: holder.socketDirectory, leave: async () => {} };
    }
    if (role === "guest") throw new DatabaseNotRunning(dataFolder);
    mkdirSync(dataFolder, { recursive: true });
    const socketDirectory = socketDirectoryFor(dataFolder);
    const taken = await takeHold(dataFolder, { role, socketDirectory });
    if ("hold" in taken) return host(dataFolder, taken.hold, socketDirectory, role, logger);
    if (role === "server") throw new DataFolderInUse(dataFolder, taken.occupiedBy);
    if (attempt === 5) throw new DatabaseUnreachable("The embedded database", "its host keeps changing");
  }
}

/** @returns false when the holder ended before it served */
async function becomesReachable(dataFolder: string, { pid, socketDirectory }: Holder): Promise<boolean> {
  const deadline = Date.now() + OPENING_MS;
  while (!(await accepts(path.join(socketDirectory, SOCKET_NAME)))) {
    if ((await describeHolder(dataFolder))?.pid !== pid) return false;
    if (Date.now() > deadline) {
      throw new DatabaseUnreachable("The embedded database", `process ${pid} holds it but does not answer`);
    }
    await sleep(50);
  }
  return true;
}

function accepts(socketFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketFile);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function host(
  dataFolder: string,
  hold: Hold,
  socketDirectory: string,
  role: "server" | "client",
  logger: Logger,
): Promise<Seat> {
  const databaseFolder = path.join(dataFolder, "database", "pgdata");
  const data: HostThreadData = { databaseFolder, socketDirectory, hold };
  const thread = new Worker(new URL("./host.thread.js", import.meta.url), { workerData: data });
  const giveUp = (): void => {
    rmSync(path.join(socketDirectory, SOCKET_NAME), { force: true });
    releaseHold(hold);
  };
  try {
    await nextReply(thread, "ready");
  } catch (error) {
    await thread.terminate();
    giveUp();
    throw new EmbeddedDatabaseFailed(databaseFolder, error);
  }
  let leaving = false;
  const fail = (error: unknown): void => {
    if (leaving) return;
    logger.fatal({ err: error }, "the embedded database has stopped; this process cannot go on");
    // Not swallowed: half a server, up but without a database, is worse than one that its supervisor restarts.
    throw new EmbeddedDatabaseStopped(databaseFolder, error);
  };
  thread.on("error", fail);
  thread.on("exit", (code) => fail(new Error(`its thread ended with code ${code}`)));
  logger.debug({ databaseFolder, role }, "hosting the embedded database");
  return {
    socketDirectory,
    async leave() {
      leaving = true;
      const stopped = nextReply(thread, "stopped");
      thread.postMessage({ kind: "stop", whenUnused: role === "client" } satisfies HostThreadRequest);
      await stopped;
      await thread.terminate();
      giveUp();
    },
  };
}

function nextReply(thread: Worker, kind: HostThreadReply["kind"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: HostThreadReply): void => {
      if (message.kind === kind) settle(resolve);
    };
    const onExit = (code: number): void => settle(() => reject(new Error(`its thread ended with code ${code}`)));
    const onError = (error: Error): void => settle(() => reject(error));
    const settle = (finish: () => void): void => {
      thread.off("message", onMessage).off("exit", onExit).off("error", onError);
      finish();
    };
    thread.on("message", onMessage).on("exit", onExit).on("error", onError);
  });
}
