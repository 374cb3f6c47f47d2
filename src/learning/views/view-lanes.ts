import { Worker } from "node:worker_threads";
import { PhotoUnreadable } from "../../catalog/photos/photo-unreadable.error.js";
import { EmbeddingInterrupted } from "../../embedding/embedding.errors.js";
import type { ViewLaneSettings, ViewRequest, ViewRows } from "./view.type.js";
import type { ViewLaneReply } from "./view-lane.type.js";

/** Memory that copies of the frozen weights may take together, bytes. */
const WEIGHTS_BUDGET = 2 ** 30;
/** Photos a lane holds: one it works on and one behind it, so that it never waits for this thread. */
const PHOTOS_A_LANE = 2;

/** Threads that prepare views. */
export interface ViewLanes {
  readonly count: number;
  /** Photos that may be under way at once. */
  readonly room: number;
  /** @throws PhotoUnreadable, EmbeddingInterrupted */
  prepare(request: ViewRequest): Promise<ViewRows>;
  close(): Promise<void>;
}

interface Lane {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(rows: ViewRows): void; reject(error: Error): void }>;
  /** Why the thread is no more. */
  ended: Error | undefined;
}

/** Starts one lane a core, fewer where the frozen weights are large. */
export async function startViewLanes(settings: Omit<ViewLaneSettings, "threads">, cores: number): Promise<ViewLanes> {
  const affordable = Math.max(1, Math.floor(WEIGHTS_BUDGET / Math.max(1, settings.trunk?.byteLength ?? 0)));
  const count = Math.max(1, Math.min(cores, affordable));
  const threads = Math.max(1, Math.floor(cores / count));
  const lanes = await Promise.all(Array.from({ length: count }, () => startLane({ ...settings, threads })));
  let lastId = 0;
  return {
    count,
    room: count * PHOTOS_A_LANE,
    prepare(request) {
      const lane = lanes.reduce((best, one) => (one.waiting.size < best.waiting.size ? one : best));
      return new Promise((resolve, reject) => {
        if (lane.ended) return reject(lane.ended);
        const id = ++lastId;
        lane.waiting.set(id, { resolve, reject });
        // A message copies the whole memory behind a view: a small photo may be a slice of Node's shared pool.
        const { photo } = request;
        const own = photo.byteLength === photo.buffer.byteLength ? photo : new Uint8Array(photo);
        lane.worker.postMessage({ id, request: { ...request, photo: own } });
      });
    },
    async close() {
      await Promise.all(
        lanes.map(async ({ worker, ended }) => {
          if (ended) return;
          const exited = new Promise((resolve) => worker.once("exit", resolve));
          worker.postMessage("close");
          await exited;
        }),
      );
    },
  };
}

function startLane(settings: ViewLaneSettings): Promise<Lane> {
  const worker = new Worker(new URL("./view-lane.js", import.meta.url), { workerData: settings });
  const waiting: Lane["waiting"] = new Map();
  const lane: Lane = { worker, waiting, ended: undefined };
  return new Promise((resolve, reject) => {
    const end = (error: Error) => {
      lane.ended ??= error;
      reject(error);
      for (const one of waiting.values()) one.reject(error);
      waiting.clear();
    };
    worker.on("message", (reply: ViewLaneReply | "ready") => {
      if (reply === "ready") return resolve(lane);
      const one = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ("rows" in reply) return one?.resolve(reply.rows);
      one?.reject(reply.unreadable ? new PhotoUnreadable("PHOTO_DAMAGED", reply.failure) : new Error(reply.failure));
    });
    worker.on("error", end);
    worker.on("exit", () => end(new EmbeddingInterrupted("A thread that prepares photos has ended. Resume the run.")));
  });
}
