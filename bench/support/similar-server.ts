import { composeCore } from "../../src/compose.js";
import { composeServer } from "../../src/compose-server.js";
import { loadConfig } from "../../src/config.js";
import { createLogger } from "../../src/logger.js";
import { buildServer } from "../../src/server/build-server.js";
import { reportCpu } from "./report-cpu.js";

/*
 * The real server over a database that a benchmark filled, in a process of its own. It registers no encoder, because
 * the vectors are synthetic. Sends its address to the parent and ends with it.
 */

const logger = createLogger("warn");
const core = await composeCore(loadConfig(), logger, "server");
const parts = composeServer(core);
const server = await buildServer(parts);
process.send?.(await server.listen({ host: "127.0.0.1", port: 0 }));
reportCpu();
process.once("disconnect", () => {
  void server
    .close()
    .then(() => parts.close())
    .then(() => core.close())
    .finally(() => process.exit());
});
