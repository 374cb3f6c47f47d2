import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance } from "fastify";

/** Whether a server is about to end. */
export interface Draining {
  readonly started: boolean;
  /**
   * From now on the server says that it is not ready, and lets go of kept connections with each answer. Resolves after
   * `seconds`, when load balancers had the time to notice.
   */
  begin(seconds: number): Promise<void>;
}

export function createDraining(): Draining {
  let started = false;
  return {
    get started() {
      return started;
    },
    async begin(seconds) {
      started = true;
      await delay(seconds * 1000);
    },
  };
}

/**
 * A kept connection that is closed while its client sends the next request loses that request: so the client is told to
 * close it, in an answer, before the server does.
 */
export function addConnectionRelease(fastify: FastifyInstance, draining: Draining): void {
  fastify.addHook("onSend", async (_, reply) => {
    if (draining.started) reply.header("connection", "close");
  });
}
