import { describe } from "node:test";
import { agrees } from "../support/webgpu.js";

describe("embedding on WebGPU", () => {
  agrees("gives the vectors of the CPU, whatever its kernels make of the file as it is", "embedding", 1e-3);
});
