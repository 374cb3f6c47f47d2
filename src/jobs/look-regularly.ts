import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";

/** Half a minute: what nobody is left to report may be shown wrongly for so long. */
const LOOK_EVERY_MS = 30_000;

/**
 * Looks after what a killed worker left behind: once at the start, then every half minute, one look after the other. A
 * look that fails is told and tried again.
 * @param failed the log line of a look that fails
 * @param everyMs for what changes more slowly
 */
export function lookRegularly(
  look: () => Promise<unknown>,
  {
    logger,
    failed,
    everyMs = LOOK_EVERY_MS,
  }: { readonly logger: Logger; readonly failed: string; readonly everyMs?: number },
): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const next = (): void => {
    running = running.then(look).catch((error: unknown) => logger.warn({ reason: messageOf(error) }, failed));
  };
  next();
  const timer = setInterval(next, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
