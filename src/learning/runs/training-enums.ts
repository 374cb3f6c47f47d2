import { registerEnumType } from "type-graphql";
import type { Config } from "../../config.js";
import { PromotePolicy, TrainingState } from "../../generated/prisma/enums.js";
import type { GuardName, RecipeName } from "../learning.type.js";
import type { RunStage } from "./training-run.type.js";

export { PromotePolicy, TrainingState } from "../../generated/prisma/enums.js";

registerEnumType(TrainingState, {
  name: "TrainingState",
  description: "Where a training run stands.",
  valuesConfig: {
    QUEUED: { description: "Waiting for a worker, or for the device that another run has." },
    RUNNING: { description: "Being trained." },
    REFRESHING: { description: "Trained: its model's vectors are made, indexed and judged beside the live ones." },
    SUCCEEDED: { description: "Its model was judged; `gate` says whether it answers now." },
    CANCELLED: { description: "Stopped by somebody; can be resumed." },
    FAILED: { description: "`failure` says why; can be resumed." },
  },
});

registerEnumType(PromotePolicy, {
  name: "PromotePolicy",
  description: "What becomes of the model that a run makes.",
  valuesConfig: {
    IF_BETTER: { description: "It answers if it is better on held-out products, surely and by both figures." },
    NEVER: { description: "It stays a candidate until somebody promotes it." },
  },
});

/** Names as GraphQL writes them, for the recipes. */
export const TrainingRecipe = {
  AUTO: "auto",
  WHITENING: "whitening",
  HEAD: "head",
  LAST_BLOCKS: "last-blocks",
  FULL: "full",
  GROWING: "growing",
  SEED: "seed",
} as const satisfies Record<string, RecipeName>;
registerEnumType(TrainingRecipe, {
  name: "TrainingRecipe",
  description: "How a model is trained; docs/learning.md compares them.",
  valuesConfig: {
    AUTO: { description: "Chosen by photos, memory, device and time." },
    WHITENING: { description: "No training: the axes of the encoder's vectors are weighed anew. Needs no labels." },
    HEAD: { description: "A small network on top of the encoder; a minute." },
    LAST_BLOCKS: { description: "The encoder's last blocks and a head." },
    FULL: { description: "Everything; for large catalogs and a GPU." },
    GROWING: { description: "For catalogs to which new labels are added all the time." },
    SEED: { description: "The plain recipe that the others are compared with." },
  },
});

export const TrainingDevice = {
  AUTO: "auto",
  CPU: "cpu",
  CUDA: "cuda",
  WEBGPU: "webgpu",
} as const satisfies Record<string, Config["device"]>;
registerEnumType(TrainingDevice, { name: "TrainingDevice", description: "Where a model is trained." });

export const TrainingStage = {
  SNAPSHOT: "snapshot",
  PLAN: "plan",
  CACHING: "caching",
  HEAD: "head",
  TRUNK: "trunk",
  FULL: "full",
  VALIDATION: "validation",
  EXPORT: "export",
  REFRESH: "refresh",
  INDEX: "index",
  GATE: "gate",
} as const satisfies Record<string, RunStage>;
registerEnumType(TrainingStage, {
  name: "TrainingStage",
  description: "What a run is at.",
  valuesConfig: {
    SNAPSHOT: { description: "Photos, labels and splits are being frozen." },
    PLAN: { description: "Phases are being chosen, by how fast this machine is." },
    CACHING: { description: "Photos are being prepared." },
    HEAD: { description: "The head is being trained." },
    TRUNK: { description: "The encoder's last blocks are being trained." },
    FULL: { description: "The whole encoder is being trained." },
    EXPORT: { description: "The model is being written." },
    REFRESH: { description: "The model's vectors are being made." },
    INDEX: { description: "The model's vectors are being indexed." },
    GATE: { description: "The model is being compared with the live one." },
  },
});

export const TrainingGuard = {
  COLLAPSE: "collapse",
  NOT_A_NUMBER: "not-a-number",
  PLATEAU: "plateau",
  LABEL_NOISE: "label-noise",
  SINGLE_LABEL_BATCH: "single-label-batch",
} as const satisfies Record<string, GuardName>;
registerEnumType(TrainingGuard, { name: "TrainingGuard", description: "What a training watches itself for." });
