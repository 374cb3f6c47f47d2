import { setPriority } from "node:os";
import { composeWorker } from "../compose.js";
import { type CommonOptions, openSettings } from "./settings.js";

/**
 * Takes jobs until SIGTERM or Ctrl-C, then finishes those under way. On the embedded database it joins the server that
 * hosts it.
 */
export async function work(options: CommonOptions): Promise<void> {
  const { config, logger } = openSettings(options, "service");
  giveWay();
  const worker = await composeWorker(config, logger.child({ process: "worker" }));
  logger.info("taking jobs");
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  logger.info("finishing the jobs under way");
  process.once("SIGINT", () => process.exit(130));
  await worker.close();
}

/** Below the processes that somebody waits for: a server on the same cores answers first (docs/decisions/172). */
const PRIORITY = 10;

/** Before any thread is started, because each takes its priority from the one that starts it. */
function giveWay(): void {
  try {
    setPriority(PRIORITY);
  } catch {
    // A system that does not allow it runs the worker as any other process.
  }
}
