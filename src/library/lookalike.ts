import { composeCore, composeWorker } from "../compose.js";
import { composeServer } from "../compose-server.js";
import { checkConfig } from "../config.js";
import { messageOf } from "../errors.js";
import { buildSubgraphSchema, parseProductKey } from "../federation/index.js";
import { buildServer } from "../server/build-server.js";
import { buildGraphqlSchema } from "../server/graphql-schema.js";
import { withPhotosAt } from "../server/photo-addresses.js";
import type { FieldResolver } from "../server/surface/index.js";
import { superviseWorker } from "../server/worker-supervisor.js";
import { chooseFields } from "./choose-fields.js";
import { forHost } from "./host-context.js";
import { createLibraryLog } from "./host-logger.js";
import { createContexts } from "./library-context.js";
import type { Lookalike, LookalikeOptions, LookalikeWorker, WorkerOptions } from "./lookalike.type.js";
import { createMounting } from "./mounting.js";
import { createSimilarItemsOf } from "./similar-items-of.js";

/**
 * Opens a catalog inside somebody else's server: migrations run, the encoder is there, and everything that is returned
 * works at once. It reads no environment and no configuration file, listens to no signal, and never ends the process;
 * call `close()` before it ends.
 * @throws BadUserInput for a setting that is wrong; DatabaseUnreachable and others for a database that does not open
 */
export async function lookalike(options: LookalikeOptions = {}): Promise<Lookalike> {
  const { logger: hostLogger, fields, typePrefix, ...settings } = options;
  const config = checkConfig({
    ...settings,
    logLevel: settings.logLevel ?? (hostLogger ? "info" : "warn"),
    // The host has its own log of requests, and its own figures.
    requestLogLevel: settings.requestLogLevel ?? "debug",
    metrics: settings.metrics ?? false,
  });
  const { logger, writeLine } = createLibraryLog(config.logLevel, hostLogger);
  const core = await composeCore(config, logger, "client");
  const closing = new Set<() => Promise<unknown>>([() => core.close()]);
  const close = async (): Promise<void> => {
    // The server that is opened last is the first to go; the database is needed until the end.
    for (const step of [...closing].reverse()) {
      if (!closing.delete(step)) continue;
      await step().catch((error: unknown) => logger.error({ reason: messageOf(error) }, "closing failed"));
    }
  };
  try {
    await core.ensureBaseModel();
    const parts = composeServer(core);
    closing.add(() => parts.close());
    const whole = withPhotosAt(buildGraphqlSchema(parts.resolvers), config.publicUrl);
    const wrap = (resolver: FieldResolver): FieldResolver => forHost(resolver, logger);
    let opening: ReturnType<typeof buildServer> | undefined;
    const openServer: () => ReturnType<typeof buildServer> = async () => {
      opening ??= buildServer(parts);
      const server = await opening;
      await server.ready();
      return server;
    };
    closing.add(async () => (await opening)?.close());

    const startWorker = async ({ inProcess = false }: WorkerOptions = {}): Promise<LookalikeWorker> => {
      const end = inProcess ? await startInProcess() : await startChild();
      closing.add(end);
      return {
        async stop() {
          if (closing.delete(end)) await end();
        },
      };
    };
    const startInProcess = async (): Promise<() => Promise<void>> => {
      const worker = await composeWorker(config, logger);
      return () => worker.close();
    };
    const startChild = async (): Promise<() => Promise<void>> => {
      const supervisor = superviseWorker(config, logger, writeLine);
      await supervisor.ready;
      return () => supervisor.stop();
    };

    return {
      ...chooseFields(whole, { fields, typePrefix }, wrap),
      ...createMounting(openServer),
      createContext: createContexts(parts, config),
      similarItems: createSimilarItemsOf(whole, logger),
      subgraphSchema: () => buildSubgraphSchema(whole, parseProductKey(config.productKey), wrap),
      startWorker,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
