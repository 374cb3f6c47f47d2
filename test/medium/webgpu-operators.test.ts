import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { agrees, runOnWebGpu, whyNoWebGpu } from "../support/webgpu.js";

describe("WebGPU agrees with the CPU", () => {
  agrees("in the gradient of every operator", "rules", 1e-3, (results) => {
    assert.deepEqual(
      results.filter(({ onHost }) => onHost).map(({ name }) => name),
      // docs/decisions/120: these have no kernel on the device and run on the CPU in between.
      ["Cast: float to float", "LogSoftmax: plain", "Pow: integer exponent", "Softsign: plain", "Sum: three"],
    );
  });

  agrees("where its own kernels are wrong or refuse", "forms", 1e-3);

  it("or says which node it cannot run, and a trainer says so when it is created", async (t) => {
    const absent = await whyNoWebGpu();
    if (absent) return t.skip(absent);
    const results = await runOnWebGpu("failures");
    const expected = {
      split: /^DeviceCannotRun: webgpu cannot run Split \(node "Split"\): Too many storage buffers in shader\./,
      "step, optimiser on the host": /^DeviceCannotRun: webgpu cannot run ConvTranspose .*Only Conv2d or Conv1d/,
      "step, optimiser in the graph": /^DeviceCannotRun: webgpu cannot run ConvTranspose .*Only Conv2d or Conv1d/,
      "frozen part": /^DeviceCannotRun: webgpu cannot run Resize \(node "small"\): .*antialias.*NOT implemented/,
    };
    assert.deepEqual([...results.keys()], Object.keys(expected));
    for (const [name, message] of Object.entries(expected)) assert.match(results.get(name)?.error ?? "", message);
  });
});
