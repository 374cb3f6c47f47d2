import { setPriority } from "node:os";

/** Below the processes that somebody waits for; docs/decisions/172-refresh-gives-way.md has the figures. */
const PRIORITY = 10;

/**
 * Lowers the priority of this process, a worker's, so that a server on the same cores answers first. To be called before
 * anything starts threads, because each takes its priority from the one that starts it.
 */
export function giveWay(): void {
  try {
    setPriority(PRIORITY);
  } catch {
    // A system that does not allow it runs the worker as any other process.
  }
}
