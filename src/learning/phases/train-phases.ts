import type { Checkpoint } from "../checkpoint.js";
import type { LearningResult } from "../learning.type.js";
import { canCompare, lastPhase, samplerOf } from "../plan/open-workshop.js";
import type { RunRecord } from "../run-record.js";
import { type BaseFeatures, baseFeatures, preparePhotos, prepareViews } from "./base-features.js";
import { describeBase } from "./describe-base.js";
import { columnStatistics, rowsAt } from "./encode.js";
import { finish } from "./finish.js";
import { type Learning, phaseOf } from "./phase-of-run.js";
import { loadFlat } from "./run-phase.js";
import { handOver, openHeadWarmUp } from "./warm-up-head.js";

const HEAD_EPOCHS = 2;

/** Caching, head, last phase, and the model that came of it. */
export async function trainPhases(
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
  let features: BaseFeatures | undefined;
  // A model that is joined with the whitened base needs what the base sees, also when it goes on from a checkpoint.
  if (record?.phase !== "last" || recipe.tunedShare !== undefined) {
    features = await clock.time("features", () => baseFeatures(trainer, readable, preparation));
  }
  if (features && record?.phase !== "last") {
    baseValidation = await describeBase(features, learning, readable);
    const { rows, train } = features;
    const trainRows = rowsAt(rows, [...train.keys()]);
    const statistics = columnStatistics(trainRows);
    if (recipe.head.standardise) for (const one of workshop.trainers) await one.standardise(statistics);
    const { headPhase: phase } = recipe;
    if (recipe.trunkPhase && phase && canCompare(material, 1)) {
      const warm = await openHeadWarmUp({ recipe, phase, material, features: rows, seed, threads });
      try {
        if (recipe.head.standardise) for (const one of warm.trainers) await one.standardise(statistics);
        const rowOf = new Map([...train].map((position, row) => [position, row] as const));
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
              validation: (index) => train.length + index,
            },
            trainPositions: train,
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

  await clock.time("caching", () => prepareViews(preparation));
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
  const finished = await clock.time("export", () => finish(learning, readable, result, features));
  return { ...finished, baseValidation, steps: before.steps + result.position.step };
}
