import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { it } from "node:test";
import { startChild } from "./child.js";

/** A Vulkan device in software, from Debian's chromium-common; used where no other is named. */
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (
  process.env.VK_ICD_FILENAMES === undefined &&
  process.env.VK_DRIVER_FILES === undefined &&
  existsSync(swiftShader)
) {
  process.env.VK_ICD_FILENAMES = swiftShader;
}

/** What `webgpu-child` tells of one task: how far WebGPU is from the CPU, or why it failed. */
export interface WebGpuResult {
  readonly name: string;
  /** Largest difference, as a share of the largest number of its tensor. */
  readonly worst?: number;
  /** The tensor in which it is. */
  readonly where?: string;
  /** Some of its nodes have no kernel on the device and ran on the CPU. */
  readonly onHost?: boolean;
  readonly error?: string;
}

/**
 * Runs tasks in a process of their own, for a driver may end it. One that ends it counts as failed, and the rest goes on
 * in a new process.
 * @returns results by name, in the order of the tasks
 */
export async function runOnWebGpu(task: string): Promise<ReadonlyMap<string, WebGpuResult>> {
  const results = new Map<string, WebGpuResult>();
  for (;;) {
    const child = startChild("webgpu-child", task, String(results.size));
    const how = await child.ended;
    const messages = child.messages as ({ readonly begins: string } | WebGpuResult)[];
    for (const message of messages) if ("name" in message) results.set(message.name, message);
    if (how === 0) return results;
    const last = messages.at(-1);
    if (last === undefined || !("begins" in last)) throw new Error(`the process ended (${how}): ${child.errors()}`);
    results.set(last.begins, { name: last.begins, error: `the process ended (${how}): ${child.errors().slice(-500)}` });
  }
}

/** Why no WebGPU device is to be had here; undefined where one is. */
export async function whyNoWebGpu(): Promise<string | undefined> {
  const child = startChild("webgpu-child", "device", "0");
  const how = await child.ended;
  const [result] = child.messages.filter((message): message is WebGpuResult => "name" in (message as object));
  const reason = result ? result.error : `the process ended (${how})`;
  return reason === undefined
    ? undefined
    : `skipped: no WebGPU device here (${reason.split("\n")[0]?.replace(/^.* was false\. /, "")})`;
}

/** One test for all results of a task, each of which must be as near to the CPU's as `tolerance`. */
export function agrees(
  title: string,
  task: string,
  tolerance: number,
  more?: (results: readonly WebGpuResult[]) => void,
): void {
  it(title, async (t) => {
    const absent = await whyNoWebGpu();
    if (absent) return t.skip(absent);
    const results = [...(await runOnWebGpu(task)).values()];
    assert.ok(results.length > 0);
    const wrong = results.filter(({ error, worst = Number.NaN }) => error !== undefined || !(worst <= tolerance));
    assert.deepEqual(wrong, []);
    more?.(results);
  });
}
