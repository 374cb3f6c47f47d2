import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger } from "pino";

/** Paths whose values never reach a log line. */
const SECRETS = [
  "authorization",
  "cookie",
  "password",
  "secret",
  "token",
  "adminToken",
  "metricsToken",
  "storefrontKey",
  "storefrontKeys",
  "databaseUrl",
  "accessToken",
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/**
 * Structured JSON logs on standard error, so that standard output stays free for a command's answer.
 * @param level one of pino's levels, or `silent`
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Logger {
  return pino({ level, base: { pid: process.pid }, redact: { paths: SECRETS, censor: "[redacted]" } }, destination);
}
