export * from "./gate.errors.js";
export { createJudgeCandidate, type JudgeCandidateDependencies } from "./judge-candidate.js";
