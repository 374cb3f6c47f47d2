import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import { DeviceUnavailable } from "./embedding.errors.js";
import type { Device } from "./encoder-session.js";

/** y = x · w + x of 2 × 2 matrices: two kernels, one of which every device must have of its own. */
const PROBE_GRAPH = Buffer.from(
  "CAg6dwoUCgF4CgF3EgFtGgFtIgZNYXRNdWwKEQoBbQoBeBIBeRoBeSIDQWRkEgVwcm9iZSobCAIIAhABQgF3ShAAAABAAAAAAAAAAAAAAEBA" +
    "WhMKAXgSDgoMCAESCAoCCAIKAggCYhMKAXkSDgoMCAESCAoCCAIKAggCQgQKABAR",
  "base64",
);
const PROBE_INPUT = [1, 2, 3, 4];
/** w is diag(2, 3). */
const PROBE_ANSWER = [3, 8, 9, 16];

/** Fastest first. */
const PREFERRED: readonly Device[] = ["cuda", "webgpu", "cpu"];

const HOW_TO_GET: Record<Device, string> = {
  cuda:
    "The CUDA provider is not inside the npm package when it is installed without scripts: run " +
    "`node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12` on a machine with CUDA 12.",
  webgpu: "It needs a GPU with a Vulkan, Metal or Direct3D 12 driver.",
  cpu: "Reinstall onnxruntime-node for this platform.",
};

/**
 * Which device runs the encoder. Each is tried with a graph whose answer is known; for `auto` one that fails is
 * logged and the next is taken.
 * @throws DeviceUnavailable for a device that was asked for by name
 */
export async function chooseDevice(wanted: Config["device"], logger: Logger): Promise<Device> {
  if (wanted !== "auto") {
    const failure = await probe(wanted);
    if (failure === undefined) return wanted;
    throw new DeviceUnavailable(`The encoder cannot run on ${wanted}: ${failure}. ${HOW_TO_GET[wanted]}`);
  }
  for (const device of PREFERRED) {
    const failure = await probe(device);
    if (failure === undefined) return device;
    logger.info({ device, reason: failure }, `device ${device} cannot run the encoder; trying the next`);
  }
  throw new DeviceUnavailable(`The encoder runs on no device here. ${HOW_TO_GET.cpu}`);
}

/**
 * What can be seen without loading anything. The runtime itself writes several lines to standard error about a driver
 * that is absent, and takes a Vulkan that is emulated on the cpu for a GPU.
 */
function whatIsAbsent(device: Device): string | undefined {
  if (process.platform !== "linux") return undefined;
  switch (device) {
    case "cuda": {
      const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
      const library = `bin/napi-v6/linux/${process.arch}/libonnxruntime_providers_cuda.so`;
      return existsSync(path.join(runtime, library)) ? undefined : "onnxruntime-node has no CUDA provider";
    }
    case "webgpu":
      return existsSync("/dev/dri") || existsSync("/dev/nvidiactl") ? undefined : "there is no GPU";
    case "cpu":
      return undefined;
  }
}

/** What is wrong with the device, in one line; undefined when it computes right. */
async function probe(device: Device): Promise<string | undefined> {
  const absent = whatIsAbsent(device);
  if (absent !== undefined) return absent;
  let session: InferenceSession | undefined;
  try {
    session = await InferenceSession.create(PROBE_GRAPH, { executionProviders: [device], logSeverityLevel: 4 });
    const { y } = await session.run({ x: new Tensor("float32", Float32Array.from(PROBE_INPUT), [2, 2]) });
    const right = PROBE_ANSWER.every((value, index) => Math.abs(Number(y?.data[index]) - value) < 1e-3);
    return right ? undefined : "it computes wrong numbers";
  } catch (error) {
    return messageOf(error).split("\n", 1)[0];
  } finally {
    await session?.release();
  }
}
