import { type Config, loadConfig } from "../config.js";
import { createLogger, type Logger } from "../logger.js";

/** Options that every command has. */
export interface CommonOptions {
  readonly data?: string;
  readonly json?: boolean;
}

/**
 * Configuration and logger of a command. One that answers a question logs warnings only, unless the log level is set.
 * @throws BadUserInput
 */
export function openSettings(
  options: CommonOptions,
  kind: "answer" | "service",
  overrides: Partial<Config> = {},
): { readonly config: Config; readonly logger: Logger } {
  const quiet = kind === "answer" && process.env.LOOKALIKE_LOG_LEVEL === undefined;
  const config = loadConfig(process.env, {
    ...(options.data === undefined ? {} : { data: options.data }),
    ...(quiet ? { logLevel: "warn" } : {}),
    ...overrides,
  });
  return { config, logger: createLogger(config.logLevel) };
}
