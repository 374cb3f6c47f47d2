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

  it("or says which node it cannot run", async (t) => {
    const absent = await whyNoWebGpu();
    if (absent) return t.skip(absent);
    const result = (await runOnWebGpu("failures")).get("split");
    assert.match(
      result?.error ?? "",
      /^DeviceCannotRun: webgpu cannot run Split \(node "Split"\): Too many storage buffers in shader\./,
    );
  });
});
