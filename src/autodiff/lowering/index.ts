export { type LoweringOptions, lowerForCpu } from "./lower-for-cpu.js";
export { type CpuLoweringProbe, cpuLowering, probeCpuLowering } from "./probe-cpu-lowering.js";
