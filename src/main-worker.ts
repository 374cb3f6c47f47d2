import { once } from "node:events";
import { composeWorker } from "./compose.js";
import { type Config, loadConfig } from "./config.js";
import { messageOf } from "./errors.js";
import { giveWay } from "./jobs/give-way.js";
import { createLogger } from "./logger.js";
import type { WorkerReady, WorkerStart } from "./server/worker-message.type.js";

/** How long jobs may go on when the process that started this one is gone, and the embedded database with it. */
const ORPHAN_GRACE_MS = 1_000;
const ORPHAN_EXIT_MS = 8_000;

/** A worker on its own reads the environment; one that was started by another process is told. */
async function readConfig(isChild: boolean): Promise<Config> {
  if (!isChild) return loadConfig();
  const [message] = (await once(process, "message")) as [WorkerStart];
  return message.config;
}

/**
 * A worker process: takes jobs until SIGTERM, then finishes those under way. Started by `lookalike worker`, or as a
 * child of `lookalike serve`, with which it ends.
 */
async function main(): Promise<void> {
  giveWay();
  const isChild = process.connected === true;
  const parentGone = isChild ? once(process, "disconnect") : undefined;
  void parentGone?.then(() => setTimeout(() => process.exit(1), ORPHAN_EXIT_MS).unref());
  // Ctrl-C reaches the whole group; a child is told by its parent, after the answers under way are given.
  if (isChild) process.on("SIGINT", () => {});
  const config = await readConfig(isChild);
  const logger = createLogger(config.logLevel).child({ process: "worker" });
  const worker = await composeWorker(config, logger);

  let stopping = false;
  const stop = (graceMs?: number): void => {
    if (stopping) return;
    stopping = true;
    worker.close(graceMs).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ reason: messageOf(error) }, "the worker did not end well");
        process.exit(1);
      },
    );
  };
  void parentGone?.then(() => {
    logger.warn("the process that started this worker is gone; the worker ends too");
    stop(ORPHAN_GRACE_MS);
  });
  process.once("SIGTERM", () => stop());
  if (!isChild) process.once("SIGINT", () => stop());
  if (isChild && process.connected) process.send?.({ kind: "ready" } satisfies WorkerReady);
  logger.info("taking jobs");
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exit(1);
});
