import { LookalikeError, messageOf } from "../errors.js";

/** One line for people; the stack only for those who ask with LOOKALIKE_LOG_LEVEL=debug. */
export function describeFailure(error: unknown, environment: NodeJS.ProcessEnv = process.env): string {
  const verbose = environment.LOOKALIKE_LOG_LEVEL === "debug" || environment.LOOKALIKE_LOG_LEVEL === "trace";
  if (verbose && error instanceof Error) return error.stack ?? error.message;
  const line = messageOf(error).replaceAll(/\s*\n\s*/g, " ");
  if (error instanceof LookalikeError) return line;
  return `${line} (unexpected; LOOKALIKE_LOG_LEVEL=debug shows where)`;
}
