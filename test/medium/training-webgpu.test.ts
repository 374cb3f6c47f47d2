import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const child = fileURLToPath(new URL("../support/architectures/steps.child.js", import.meta.url));
/** A Vulkan device in software, from Debian's chromium-common; used where no other is named. */
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";
const env = { ...process.env };
if (env.VK_ICD_FILENAMES === undefined && existsSync(swiftShader)) env.VK_ICD_FILENAMES = swiftShader;

async function steps(architecture: string, device: string): Promise<number[][]> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, architecture, device, "3"], {
    env,
    timeout: 120_000,
  });
  return JSON.parse(stdout);
}

describe("WebGPU", () => {
  // Between them: convolutions of six channels and a batch of six, attention, layer normalisation.
  for (const architecture of ["ConvNeXt-Tiny", "ViT-S/16"]) {
    it(`trains ${architecture} as the CPU does`, async (t) => {
      const expected = await steps(architecture, "cpu");
      let actual: number[][];
      try {
        actual = await steps(architecture, "webgpu");
      } catch (error) {
        const reason = /DeviceUnavailable: (.*)/.exec(String((error as { stderr?: string }).stderr))?.[1];
        if (reason === undefined) throw error;
        t.skip(`skipped: ${reason}`);
        return;
      }
      for (const [row, values] of expected.entries()) {
        for (const [index, value] of values.entries()) {
          const error = Math.abs(value - (actual[row]?.[index] ?? Number.NaN));
          assert.ok(
            error <= 1e-3 * Math.max(1, Math.abs(value)),
            `step ${row}: ${actual[row]?.[index]} instead of ${value}`,
          );
        }
      }
    });
  }
});
