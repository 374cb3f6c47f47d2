import { chooseDevice } from "../embedding/device-probe.js";
import { createLogger } from "../logger.js";
import { readModelFile } from "../onnx/index.js";
import type { TrainerState } from "../training/index.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import type { Learn, LearningInput, LearningListener, LearningResult } from "./learning.type.js";
import { type BaseFeatures, baseFeatures, preparePhotos, type ReadablePhotos } from "./phases/base-features.js";
import { columnStatistics, leadingUnits, rowsAt } from "./phases/encode.js";
import { createEndOfEpoch } from "./phases/end-of-epoch.js";
import type { PhasePosition, PhaseResult, PhaseStart } from "./phases/phase.type.js";
import { loadFlat, runPhase } from "./phases/run-phase.js";
import { validate } from "./phases/validation.js";
import { handOver, openHeadWarmUp } from "./phases/warm-up-head.js";
import { type ChosenPlan, choosePlan } from "./plan/choose-recipe.js";
import { type LearningMaterial, materialOf } from "./plan/material.js";
import { lastPhase, openSource, openWorkshop, type RunSource, samplerOf } from "./plan/open-workshop.js";
import type { PhaseSettings } from "./recipes/recipe.type.js";
import { type Clock, createClock, identityOf, type RunRecord } from "./run-record.js";

const HEAD_EPOCHS = 2;

/**
 * Learns a shop's own notion of similar from a snapshot: plan, cache, head, last blocks (or everything), export. It
 * knows no database; a run that was stopped goes on from its checkpoint with the same next losses.
 */
export const learn: Learn = async (input, listener, signal) => {
  const started = performance.now();
  const material = materialOf(input.snapshot);
  const identity = identityOf(input);
  const saved = input.checkpoint && readCheckpoint(input.checkpoint, identity);
  // The identity says that this program wrote it for this very run.
  const record = saved?.run as RunRecord | undefined;
  const clock = createClock(record?.timings);
  const chosen = await clock.time("plan", () => openPlan(input, material, record));
  try {
    await listener.plan(chosen.plan);
    const { workshop, recipe } = chosen;
    const run = await openSource(workshop, input, material, recipe.views);
    try {
      const deadline = started + input.request.budgetMinutes * 60_000;
      const learning = { input, material, identity, chosen, run, clock, listener, signal, deadline };
      const result = await train(learning, saved, record);
      return { ...result, seconds: (performance.now() - started) / 1000, timings: clock.timings };
    } finally {
      await run.cache?.close();
    }
  } finally {
    await chosen.workshop.close();
  }
};

interface Learning {
  readonly input: LearningInput;
  readonly material: LearningMaterial;
  readonly identity: string;
  readonly chosen: ChosenPlan;
  readonly run: RunSource;
  readonly clock: Clock;
  readonly listener: LearningListener;
  readonly signal: AbortSignal;
  readonly deadline: number;
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
    return { workshop, recipe, plan };
  }
  const device = await chooseDevice(input.request.device, createLogger("silent"));
  return choosePlan(input, graph, material, device);
}

async function train(
  learning: Learning,
  saved: Checkpoint | undefined,
  record: RunRecord | undefined,
): Promise<Omit<LearningResult, "seconds" | "timings">> {
  const { input, material, chosen, run, clock, listener, signal } = learning;
  const { workshop, recipe } = chosen;
  const { seed, threads } = input.request;
  const [trainer] = workshop.trainers;
  const preparation = { workshop, run, material, seed, listener, signal, batch: workshop.batch };
  const readable = await clock.time("caching", () => preparePhotos(preparation));
  const start = saved && record && { trainer: saved.trainer, best: saved.best, position: record.position };

  let baseValidation = record?.baseValidation ?? undefined;
  let before = { epochs: record?.epochsBefore ?? 0, steps: record?.stepsBefore ?? 0 };
  if (record?.phase !== "last") {
    const features = await clock.time("features", () => baseFeatures(trainer, readable, preparation));
    baseValidation = validateBase(features, learning, readable);
    const trainRows = rowsAt(features.rows, [...features.train.keys()]);
    const statistics = columnStatistics(trainRows);
    if (recipe.head.standardise) for (const one of workshop.trainers) await one.standardise(statistics);
    const { headPhase: phase } = recipe;
    if (recipe.trunkPhase && phase) {
      const warm = await openHeadWarmUp({ recipe, phase, material, features: features.rows, seed, threads });
      try {
        if (recipe.head.standardise) for (const one of warm.trainers) await one.standardise(statistics);
        const rowOf = new Map([...features.train].map((position, row) => [position, row] as const));
        warm.sampler.setExcluded([...material.train.keys()].filter((position) => !rowOf.has(position)));
        const result = await clock.time("head", () =>
          phaseOf(learning, readable, {
            name: "head",
            stage: "head",
            phase,
            ...warm,
            // The source knows rows: training photos first, then those for validation.
            places: Int32Array.from(material.train.keys(), (position) => rowOf.get(position) ?? -1),
            placesOf: {
              train: (position) => rowOf.get(position) ?? -1,
              validation: (index) => features.train.length + index,
            },
            trainPositions: features.train,
            epochs: HEAD_EPOCHS,
            before,
            baseValidation,
            start,
          }),
        );
        await loadFlat(result.trainer, result.best);
        const head = await result.trainer.weights();
        for (const one of workshop.trainers) await handOver(head, one);
        before = { epochs: before.epochs + result.position.epochs, steps: before.steps + result.position.step };
      } finally {
        await warm.close();
      }
    }
  }

  const { stage, ...phase } = lastPhase(recipe);
  const sampler = samplerOf(recipe, phase, material, seed);
  const there = new Set(readable.train);
  sampler.setExcluded([...material.train.keys()].filter((position) => !there.has(position)));
  const result = await clock.time(stage, () =>
    phaseOf(learning, readable, {
      name: "last",
      stage,
      phase,
      trainers: workshop.trainers,
      sampler,
      source: run.source,
      places: material.train,
      placesOf: {
        train: (position) => material.train[position]!,
        validation: (index) => readable.validation.places[index]!,
      },
      trainPositions: readable.train,
      epochs: recipe.epochs,
      before,
      baseValidation,
      start: record?.phase === "last" ? start : undefined,
    }),
  );
  await loadFlat(result.trainer, result.best);
  const model = await clock.time("export", () => result.trainer.export("averaged"));
  return {
    model,
    dims: result.trainer.dims,
    validation: result.position.best ?? undefined,
    baseValidation,
    steps: before.steps + result.position.step,
  };
}

/** How the encoder itself does, before anything is learnt. */
function validateBase({ train, rows }: BaseFeatures, { input, material }: Learning, readable: ReadablePhotos) {
  const units = leadingUnits(rows, input.encoder.manifest.dims);
  const queries = Array.from({ length: rows.count - train.length }, (_, index) => train.length + index);
  return validate(
    { vectors: rowsAt(units, queries), labels: readable.validation.labels.subarray(0, queries.length) },
    {
      vectors: rowsAt(units, [...train.keys()]),
      labels: train.map((position) => material.trainLabels[position]!),
    },
  );
}

interface PhaseSetting
  extends Pick<Parameters<typeof createEndOfEpoch>[0], "source" | "placesOf" | "sampler">,
    Pick<Parameters<typeof runPhase>[0], "places" | "trainers" | "stage" | "epochs"> {
  readonly name: RunRecord["phase"];
  readonly phase: PhaseSettings;
  readonly trainPositions: Int32Array;
  readonly before: { readonly epochs: number; readonly steps: number };
  readonly baseValidation: LearningResult["baseValidation"];
  readonly start: PhaseStart | undefined;
}

function phaseOf(learning: Learning, readable: ReadablePhotos, setting: PhaseSetting): Promise<PhaseResult> {
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
      timings: clock.timings,
    };
    await listener.checkpoint(writeCheckpoint({ identity, run, trainer, best }), before.steps + position.step);
  };
  const { head, trunk } = phase.learningRate;
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
      endOfEpoch: createEndOfEpoch({
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
        last: name === "last",
        listener,
        signal,
      }),
      save,
    },
    setting.start,
  );
}
