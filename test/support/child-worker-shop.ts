/** A real worker process of a shop, as `lookalike worker` is one, with a configuration of its own. Run by startChild(). */
import { composeWorker } from "../../src/compose.js";
import type { Config } from "../../src/config.js";
import { createLogger } from "../../src/logger.js";

const config = JSON.parse(process.argv[2]!) as Config;
const worker = await composeWorker(config, createLogger(process.env.LOOKALIKE_TEST_LOG ?? "fatal"));
process.send!("ready");
process.once("message", () => {
  void worker.close().then(() => process.disconnect());
});
