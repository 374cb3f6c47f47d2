import { parentPort, workerData } from "node:worker_threads";
import { PhotoUnreadable } from "../catalog/photos/photo-unreadable.error.js";
import { codeOf, messageOf } from "../errors.js";
import type { LaneFailure, LaneReply, LaneRequest, LaneSettings } from "./embedding-lane.type.js";
import { openEncoderSession } from "./encoder-session.js";
import { createPreprocessor } from "./preprocess.js";

/*
 * The body of a worker thread. It decodes and infers in turn: with one lane a core, every core is busy all the time,
 * and inference on one core wastes nothing on waiting for its other half.
 */

const settings = workerData as LaneSettings;
const port = parentPort!;

try {
  const session = await openEncoderSession(settings.encoder, settings.device, settings.threads);
  const preprocessor = createPreprocessor(settings.encoder.manifest.preprocessing, {
    slots: settings.batchSize,
    maxPixels: settings.maxPixels,
  });

  const embedBatch = async (photos: readonly Uint8Array[]): Promise<(Float32Array | PhotoUnreadable)[]> => {
    const results: (Float32Array | PhotoUnreadable)[] = [];
    const readable: number[] = [];
    for (const [index, photo] of photos.entries()) {
      try {
        await preprocessor.write(Buffer.from(photo.buffer, photo.byteOffset, photo.byteLength), readable.length);
        readable.push(index);
      } catch (error) {
        if (!(error instanceof PhotoUnreadable)) throw error;
        results[index] = error;
      }
    }
    if (readable.length === 0) return results;
    const vectors = await session.run(preprocessor.tensor(readable.length), readable.length);
    readable.forEach((index, slot) => {
      results[index] = vectors[slot]!;
    });
    return results;
  };

  const answer = async ({ id, photos }: LaneRequest): Promise<LaneReply> => {
    try {
      const results: (Float32Array | PhotoUnreadable)[] = [];
      for (let at = 0; at < photos.length; at += settings.batchSize) {
        results.push(...(await embedBatch(photos.slice(at, at + settings.batchSize))));
      }
      const vectors = results.map((result) =>
        result instanceof PhotoUnreadable ? { reason: result.code, message: result.message } : result,
      );
      return { type: "embedded", id, vectors };
    } catch (error) {
      return { type: "failed", id, failure: failureOf(error) };
    }
  };

  // Requests wait for each other: the tensor belongs to one batch at a time.
  let last = Promise.resolve();
  port.on("message", (message: LaneRequest | "close") => {
    last = last.then(async () => {
      if (message !== "close") return port.postMessage(await answer(message));
      await session.close();
      port.close();
    });
  });
  port.postMessage({ type: "ready" } satisfies LaneReply);
} catch (error) {
  port.postMessage({ type: "broken", failure: failureOf(error) } satisfies LaneReply);
}

function failureOf(error: unknown): LaneFailure {
  return { message: messageOf(error), code: codeOf(error) };
}
