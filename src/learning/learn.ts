import { chooseDevice } from "../embedding/device-probe.js";
import { createLogger } from "../logger.js";
import { readModelFile } from "../onnx/index.js";
import { readCheckpoint } from "./checkpoint.js";
import { LearningCancelled } from "./learning.errors.js";
import type { Learn, LearningInput, LearningPlan } from "./learning.type.js";
import { learnWithoutLabels } from "./phases/learn-without-labels.js";
import { trainPhases } from "./phases/train-phases.js";
import { budgetLeft } from "./plan/budget-left.js";
import { type ChosenPlan, choosePlan } from "./plan/choose-recipe.js";
import { type LearningMaterial, materialOf } from "./plan/material.js";
import { openSource, openWorkshop } from "./plan/open-workshop.js";
import { createClock, identityOf, type RunRecord } from "./run-record.js";

/**
 * Learns a shop's own notion of similar from a snapshot: plan, cache, head, last blocks (or everything), export. It
 * knows no database; a run that was stopped goes on from its checkpoint with the same next losses.
 */
export const learn: Learn = async (input, listener, signal) => {
  try {
    return await learnFrom(input, listener, signal);
  } catch (error) {
    // Work that was cut short may say so in words of its own.
    const stopped = signal.aborted && error instanceof Error && error.name === "AbortError";
    throw stopped ? new LearningCancelled() : error;
  }
};

const learnFrom: Learn = async (input, listener, signal) => {
  const started = performance.now();
  const secondsSoFar = () => (performance.now() - started) / 1000;
  if (input.request.recipe === "whitening") {
    const clock = createClock();
    const result = await learnWithoutLabels(input, clock, listener, signal);
    return { ...result, seconds: secondsSoFar(), timings: clock.timings };
  }
  const material = materialOf(input.snapshot);
  const identity = identityOf(input);
  const saved = input.checkpoint && readCheckpoint(input.checkpoint, identity);
  // The identity says that this program wrote it for this very run.
  const record = saved?.run as RunRecord | undefined;
  const clock = createClock(record?.timings);
  const spentBefore = record?.seconds ?? 0;
  const secondsSpent = () => spentBefore + secondsSoFar();
  const left = budgetLeft(input.request.budgetMinutes, spentBefore);
  const chosen = await clock.time("plan", () => openPlan(input, material, record));
  try {
    await listener.plan(record ? goingOn(chosen.plan, record, left) : chosen.plan);
    const { workshop, recipe } = chosen;
    const run = await openSource(workshop, input, material, recipe.views);
    try {
      const deadline = started + left * 1_000;
      const learning = { input, material, identity, chosen, run, clock, listener, signal, deadline, secondsSpent };
      const result = await trainPhases(learning, saved, record);
      return { ...result, seconds: secondsSpent(), timings: clock.timings };
    } finally {
      await run.cache?.close();
    }
  } finally {
    await chosen.workshop.close();
  }
};

/** The plan of a run that goes on, as it is told. */
function goingOn(plan: LearningPlan, { stepsBefore, position }: RunRecord, leftSeconds: number): LearningPlan {
  const minutes = Number((leftSeconds / 60).toPrecision(2));
  const reason = `${plan.reason} Goes on after step ${stepsBefore + position.step}, with ${minutes} minutes left.`;
  return { ...plan, reason };
}

async function openPlan(
  input: LearningInput,
  material: LearningMaterial,
  record: RunRecord | undefined,
): Promise<ChosenPlan> {
  const { graph } = await readModelFile(input.encoder.modelPath);
  if (record) {
    const { recipe, plan } = record;
    const workshop = await openWorkshop({ input, graph, material, device: plan.device, recipe });
    return { graph, workshop, recipe, plan };
  }
  const device = await chooseDevice(input.request.device, createLogger("silent"));
  return choosePlan(input, graph, material, device);
}
