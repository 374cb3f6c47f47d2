export * from "./autodiff.errors.js";
export * from "./cut-graph.errors.js";
export { type CutGraph, closestNames, cutGraph } from "./cut-graph.js";
export { type DifferentiatedGraph, differentiate } from "./differentiate.js";
export { cpuLowering, lowerForCpu, probeCpuLowering } from "./lowering/index.js";
export { nameOutputs } from "./name-outputs.js";
export { normalise } from "./normalise/index.js";
export { gradientRules } from "./rules/index.js";
export { trainablesOf } from "./trainables.js";
