import { messageOf } from "../errors.js";
import { startApi } from "../main-api.js";
import { say } from "./answer.js";
import { type CommonOptions, openSettings } from "./settings.js";

export interface ServeOptions extends CommonOptions {
  readonly host?: string;
  readonly port?: number;
  readonly subgraph?: boolean;
  readonly worker: boolean;
}

/** Serves until SIGTERM or Ctrl-C, then answers what is under way and ends. */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, logger } = openSettings(options, "service", {
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.subgraph === undefined ? {} : { subgraph: options.subgraph }),
  });
  const api = await startApi(config, logger, { worker: options.worker });
  say(`GraphQL at ${api.address}/graphql${config.explorer ? `, explorer at ${api.address}/explorer` : ""}`);
  if (config.subgraph) say(`Subgraph at ${api.address}/subgraph`);
  say(config.databaseUrl ? "Database: Postgres (DATABASE_URL)" : `Database: embedded, in ${config.data}`);
  if (api.adminTokenFile) say(`Token of administrators: in ${api.adminTokenFile}`);
  if (!options.worker) say('No worker here: start "lookalike worker" to fetch and embed photos.');

  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  logger.info("shutting down");
  // A second signal is for those who do not want to wait.
  process.once("SIGINT", () => process.exit(130));
  try {
    await api.close();
  } catch (error) {
    logger.error({ reason: messageOf(error) }, "the server did not end well");
    process.exitCode = 1;
  }
}
