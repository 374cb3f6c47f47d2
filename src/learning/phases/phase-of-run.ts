import type { TrainerState } from "../../training/index.js";
import { writeCheckpoint } from "../checkpoint.js";
import type { LearningInput, LearningListener, LearningResult } from "../learning.type.js";
import type { ChosenPlan } from "../plan/choose-recipe.js";
import type { LearningMaterial } from "../plan/material.js";
import type { RunSource } from "../plan/open-workshop.js";
import type { PhaseSettings } from "../recipes/recipe.type.js";
import type { Clock, RunRecord } from "../run-record.js";
import type { ReadablePhotos } from "./base-features.js";
import { type BetweenEpochsOptions, createBetweenEpochs } from "./end-of-epoch.js";
import type { PhasePosition, PhaseResult, PhaseRun, PhaseStart } from "./phase.type.js";
import { runPhase } from "./run-phase.js";

/** What every part of a run works with. */
export interface Learning {
  readonly input: LearningInput;
  readonly material: LearningMaterial;
  readonly identity: string;
  readonly chosen: ChosenPlan;
  readonly run: RunSource;
  readonly clock: Clock;
  readonly listener: LearningListener;
  readonly signal: AbortSignal;
  readonly deadline: number;
  /** Of this attempt and those before it. */
  secondsSpent(): number;
}

export interface PhaseSetting
  extends Pick<BetweenEpochsOptions, "source" | "placesOf" | "sampler">,
    Pick<PhaseRun, "places" | "trainers" | "stage" | "epochs"> {
  readonly name: RunRecord["phase"];
  readonly phase: PhaseSettings;
  readonly trainPositions: Int32Array;
  readonly before: { readonly epochs: number; readonly steps: number };
  readonly baseValidation: LearningResult["baseValidation"];
  readonly start: PhaseStart | undefined;
}

/** Runs one phase of a run, with checkpoints that say where the run stands. */
export async function phaseOf(
  learning: Learning,
  readable: ReadablePhotos,
  setting: PhaseSetting,
): Promise<PhaseResult> {
  const { material, identity, chosen, clock, listener, signal, deadline } = learning;
  const { recipe, plan } = chosen;
  const { name, stage, phase, before, source, sampler } = setting;
  const save = async (trainer: TrainerState, position: PhasePosition, best: Float32Array | undefined) => {
    const run: RunRecord = {
      recipe,
      plan,
      phase: name,
      position,
      epochsBefore: before.epochs,
      stepsBefore: before.steps,
      baseValidation: setting.baseValidation ?? null,
      seconds: learning.secondsSpent(),
      timings: clock.timings,
    };
    await listener.checkpoint(writeCheckpoint({ identity, run, trainer, best }), before.steps + position.step);
  };
  const { head, trunk } = phase.learningRate;
  const between = createBetweenEpochs({
    recipe,
    material,
    readable: setting.trainPositions,
    validation: readable.validation,
    source,
    placesOf: setting.placesOf,
    sampler,
    batch: chosen.workshop.batch,
    steps: phase.steps,
    epochs: setting.epochs,
    epochsBefore: before.epochs,
    seed: learning.input.request.seed,
    last: name === "last",
    listener,
    signal,
  });
  const [first] = setting.trainers;
  if (first && setting.start === undefined) await between.begin(first);
  return runPhase(
    {
      stage,
      trainers: setting.trainers,
      sampler,
      source,
      places: setting.places,
      steps: phase.steps,
      schedule: { warmUpSteps: phase.warmUpSteps, ...(recipe.name !== "seed" && { totalSteps: phase.steps }) },
      learningRate: Math.max(head, trunk),
      epochs: setting.epochs,
      epochsBefore: before.epochs,
      listener,
      signal,
      deadline,
      endOfEpoch: between.endOfEpoch,
      save,
    },
    setting.start,
  );
}
