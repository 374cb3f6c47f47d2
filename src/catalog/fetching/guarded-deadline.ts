import { FetchFailed } from "./guarded-fetch.error.js";

/** A signal that fires when the time is up or when the caller gives up; its reason is the FetchFailed to throw. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Stops the clock; the caller can still give up. */
  stopClock(): void;
  /** Stops the clock and lets go of the caller's signal. */
  clear(): void;
}

/** Not AbortSignal.any and .timeout: those stay attached to a caller's long-lived signal until it is collected. */
export function startDeadline(milliseconds: number, what: string, caller?: AbortSignal): Deadline {
  const controller = new AbortController();
  const cancel = () =>
    controller.abort(
      new FetchFailed("FETCH_CANCELLED", `Fetching ${what} was given up.`, {}, { cause: caller?.reason }),
    );
  const timer = setTimeout(
    () => controller.abort(new FetchFailed("FETCH_TIMEOUT", `${what} took longer than the ${milliseconds} ms left.`)),
    milliseconds,
  );
  if (caller?.aborted) cancel();
  else caller?.addEventListener("abort", cancel, { once: true });
  return {
    signal: controller.signal,
    stopClock: () => clearTimeout(timer),
    clear() {
      clearTimeout(timer);
      caller?.removeEventListener("abort", cancel);
    },
  };
}

/** Settles like the promise, or with the signal's reason if that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
