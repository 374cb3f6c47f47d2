import { composeWorker } from "../compose.js";
import { giveWay } from "../jobs/give-way.js";
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
