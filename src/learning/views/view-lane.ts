import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";
import { PhotoUnreadable } from "../../catalog/photos/photo-unreadable.error.js";
import { messageOf } from "../../errors.js";
import { halvesFromFloats } from "../../onnx/half-floats.js";
import type { ViewLaneSettings, ViewRequest, ViewRows } from "./view.type.js";
import type { ViewLaneReply } from "./view-lane.type.js";
import { createViewMaker } from "./view-maker.js";

/*
 * The body of a worker thread: decodes a photo, prepares its views and runs the frozen part on each. One lane a core,
 * as in src/embedding: nothing waits for its other half.
 */

const settings = workerData as ViewLaneSettings;
const port = parentPort!;
sharp.concurrency(1);
sharp.cache(false);

const session =
  settings.trunk &&
  (await InferenceSession.create(settings.trunk, {
    executionProviders: ["cpu"],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  }));
const maker = createViewMaker(settings);
const { size, layout } = settings.preprocessing;
const shape = layout === "NCHW" ? [1, 3, size, size] : [1, size, size, 3];

async function valuesOf(input: Float32Array): Promise<Float32Array[]> {
  if (session === undefined) return [input.slice()];
  const name = session.inputNames[0]!;
  const wanted = settings.values.filter((value) => value !== name);
  const results = await session.run({ [name]: new Tensor("float32", input, shape) }, wanted);
  return settings.values.map((value) => (value === name ? input.slice() : (results[value]!.data as Float32Array)));
}

async function rowsOf(request: ViewRequest): Promise<ViewRows> {
  const parts: Float32Array[] = [];
  await maker.each(request, async (input) => void parts.push(...(await valuesOf(input))));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const rows = settings.half ? new Uint16Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    // One infinite activation would ruin a run.
    if (rows instanceof Uint16Array) halvesFromFloats(part, rows, at, "largest");
    else rows.set(part, at);
    at += part.length;
  }
  return rows;
}

async function answer(id: number, request: ViewRequest): Promise<void> {
  try {
    const rows = await rowsOf(request);
    port.postMessage({ id, rows } satisfies ViewLaneReply, [rows.buffer as ArrayBuffer]);
  } catch (error) {
    const unreadable = error instanceof PhotoUnreadable;
    port.postMessage({ id, failure: messageOf(error), unreadable } satisfies ViewLaneReply);
  }
}

// One photo at a time: the maker's memory belongs to one.
let last = Promise.resolve();
port.on("message", (message: { readonly id: number; readonly request: ViewRequest } | "close") => {
  last = last.then(async () => {
    if (message !== "close") return answer(message.id, message.request);
    await session?.release();
    port.close();
  });
});
port.postMessage("ready");
