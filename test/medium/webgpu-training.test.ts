import assert from "node:assert/strict";
import { describe } from "node:test";
import { agrees } from "../support/webgpu.js";

describe("WebGPU agrees with the CPU", () => {
  agrees("in whole training steps, as the CPU's fast form does", "steps", 1e-3, (results) => {
    // No part of a step leaves the device.
    assert.ok(results.every(({ name, onHost }) => onHost !== true || !name.endsWith("WebGPU")));
  });

  agrees("in an optimiser that is part of the graph, with its loops on the host", "optimisers", 1e-5);
});
