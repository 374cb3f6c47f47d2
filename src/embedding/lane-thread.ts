import { Worker } from "node:worker_threads";
import { PHOTO_REASONS, type PhotoReason, PhotoUnreadable } from "../catalog/photos/photo-unreadable.error.js";
import { EncoderBroken } from "../encoders/encoder-errors.js";
import { DeviceUnavailable, EmbeddingInterrupted } from "./embedding.errors.js";
import type { LaneFailure, LaneReply, LaneRequest, LaneSettings } from "./embedding-lane.type.js";

/** A running lane, seen from the thread that feeds it. */
export interface LaneThread {
  /** Requests under way. */
  readonly load: number;
  /** False once the thread has ended, for whatever reason. */
  readonly alive: boolean;
  embed(photos: readonly Buffer[]): Promise<(Float32Array | PhotoUnreadable)[]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (vectors: (Float32Array | PhotoUnreadable)[]) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a lane and waits until its encoder is loaded. @throws what loading threw */
export async function startLane(settings: LaneSettings): Promise<LaneThread> {
  const worker = new Worker(new URL("./embedding-lane.js", import.meta.url), { workerData: settings });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let ended: Error | undefined;

  const ready = new Promise<void>((resolve, reject) => {
    worker.on("message", (reply: LaneReply) => {
      switch (reply.type) {
        case "ready":
          return resolve();
        case "broken":
          return reject(errorOf(reply.failure));
        case "embedded":
          return settle(reply.id, ({ resolve }) => resolve(reply.vectors.map(vectorOf)));
        case "failed":
          return settle(reply.id, ({ reject }) => reject(errorOf(reply.failure)));
      }
    });
    const end = (error: Error) => {
      ended ??= error;
      reject(error);
      for (const id of [...waiting.keys()]) settle(id, (request) => request.reject(error));
    };
    worker.on("error", (error) => end(error));
    worker.on("exit", () => end(new EmbeddingInterrupted("The thread that embeds photos has ended. Try again.")));
  });

  function settle(id: number, how: (request: Waiting) => void): void {
    const request = waiting.get(id);
    waiting.delete(id);
    // An idle lane does not keep a command from ending.
    if (waiting.size === 0) worker.unref();
    if (request !== undefined) how(request);
  }

  try {
    await ready;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  worker.unref();
  return {
    get load() {
      return waiting.size;
    },
    get alive() {
      return ended === undefined;
    },
    embed(photos) {
      return new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        lastId += 1;
        worker.ref();
        waiting.set(lastId, { resolve, reject });
        worker.postMessage({ id: lastId, photos: photos.map(ownBytes) } satisfies LaneRequest);
      });
    },
    async close() {
      if (ended !== undefined) return;
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      worker.ref();
      worker.postMessage("close");
      await exited;
    },
  };
}

/** A message copies the whole memory behind a view: a small photo may be a slice of Node's shared pool. */
function ownBytes(photo: Buffer): Uint8Array {
  return photo.byteLength === photo.buffer.byteLength ? photo : new Uint8Array(photo);
}

function vectorOf(
  result: Float32Array | { readonly reason: PhotoReason; readonly message: string },
): Float32Array | PhotoUnreadable {
  if (result instanceof Float32Array) return result;
  return new PhotoUnreadable(result.reason, result.message.slice(PHOTO_REASONS[result.reason].length + 1));
}

function errorOf({ message, code }: LaneFailure): Error {
  if (code === "ENCODER_BROKEN") return new EncoderBroken(message);
  if (code === "DEVICE_UNAVAILABLE") return new DeviceUnavailable(message);
  return new Error(message);
}
