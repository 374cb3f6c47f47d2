import { setTimeout as delay } from "node:timers/promises";
import { composeCore } from "./compose.js";
import { composeServer } from "./compose-server.js";
import type { Config } from "./config.js";
import { announceHttpAddress } from "./database/index.js";
import { LookalikeError, messageOf } from "./errors.js";
import type { Logger } from "./logger.js";
import { ensureAdminToken } from "./server/access/admin-token.js";
import { buildServer } from "./server/build-server.js";
import { createDraining } from "./server/operate/draining.js";
import { superviseWorker } from "./server/worker-supervisor.js";

export interface RunningApi {
  /** `http://127.0.0.1:4400` */
  readonly address: string;
  /** Where the token of administrators is kept, when it was generated. */
  readonly adminTokenFile?: string;
  /** Resolves when the worker takes jobs; at once without one. */
  readonly workerReady: Promise<void>;
  /** Is not ready for `drainSeconds`, answers what is under way, lets the worker finish, closes the database. */
  close(): Promise<void>;
}

/** The address cannot be listened on. */
export class ListenFailed extends LookalikeError {
  readonly code = "LISTEN_FAILED";

  constructor({ host, port }: Pick<Config, "host" | "port">, cause: unknown) {
    super(
      `Nothing can be served at ${host}:${port}: ${messageOf(cause)}. Choose another address with --port or --host.`,
      { cause },
    );
  }
}

/** Requests under way get this long when the server closes. */
const FINISH_MS = 10_000;

/**
 * Starts the API: database, model, HTTP server and, unless told otherwise, a worker as a child process.
 * @throws DataFolderInUse, and what opening the database and listening throw
 */
export async function startApi(
  config: Config,
  logger: Logger,
  options: { readonly worker: boolean },
): Promise<RunningApi> {
  const { token, file } = await ensureAdminToken(config);
  const settings = { ...config, adminToken: token };
  const core = await composeCore(settings, logger, "server");
  const closing: (() => Promise<unknown>)[] = [() => core.close()];
  const close = async (): Promise<void> => {
    for (const step of closing.reverse().splice(0)) {
      await step().catch((error: unknown) => logger.error({ reason: messageOf(error) }, "closing failed"));
    }
  };
  try {
    await core.ensureBaseModel();
    const parts = composeServer(core);
    closing.push(() => parts.close());
    const supervisor = options.worker ? superviseWorker(config, logger) : undefined;
    if (supervisor) closing.push(() => supervisor.stop());
    const draining = createDraining();
    const server = await buildServer({ ...parts, draining });
    closing.push(() => Promise.race([server.close(), delay(FINISH_MS, undefined, { ref: false })]));
    const address = await server.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
      throw new ListenFailed(config, error);
    });
    closing.push(() => draining.begin(config.drainSeconds));
    if (core.database.kind === "embedded") await announceHttpAddress(config.data, address);
    return {
      address,
      ...(file === undefined ? {} : { adminTokenFile: file }),
      workerReady: supervisor?.ready ?? Promise.resolve(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
