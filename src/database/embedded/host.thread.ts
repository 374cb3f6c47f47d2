import { chmodSync, rmSync, utimesSync } from "node:fs";
import path from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { HEARTBEAT_MS, type Hold, stillHolds } from "./holder.js";
import { createMultiplexer, IDLE_IN_TRANSACTION_MS } from "./multiplexer.js";
import { SOCKET_NAME } from "./socket-directory.js";

/** What the thread is started with. */
export interface HostThreadData {
  readonly databaseFolder: string;
  readonly socketDirectory: string;
  readonly hold: Hold;
}

export type HostThreadRequest = {
  readonly kind: "stop";
  /** Wait until the last client of another process has gone. */
  readonly whenUnused: boolean;
};

export type HostThreadReply = { readonly kind: "ready" } | { readonly kind: "stopped" };

const { databaseFolder, socketDirectory, hold } = workerData as HostThreadData;
const parent = parentPort!;
const reply = (message: HostThreadReply): void => parent.postMessage(message);

const lite = await PGlite.create({ dataDir: databaseFolder, extensions: { vector } });

const multiplexer = createMultiplexer({
  async execute(bytes) {
    const chunks: Buffer[] = [];
    // The callback's bytes lie in the module's memory, which the next call overwrites.
    await lite.execProtocolRawStream(bytes, { onRawData: (chunk) => void chunks.push(Buffer.from(chunk)) });
    return Buffer.concat(chunks);
  },
  onBroken(error) {
    throw error;
  },
  idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
});

const socketFile = path.join(socketDirectory, SOCKET_NAME);
rmSync(socketFile, { force: true });
await new Promise<void>((resolve, reject) => {
  multiplexer.server.once("error", reject);
  multiplexer.server.listen(socketFile, resolve);
});
chmodSync(socketFile, 0o600);

const heartbeat = setInterval(() => {
  if (!stillHolds(hold)) throw new Error("another process has taken the data folder over");
  const now = new Date();
  utimesSync(hold.file, now, now);
}, HEARTBEAT_MS);

parent.on("message", async (request: HostThreadRequest) => {
  if (request.whenUnused) await multiplexer.emptied();
  await multiplexer.close();
  await lite.close();
  clearInterval(heartbeat);
  reply({ kind: "stopped" });
  parent.close();
});

reply({ kind: "ready" });
