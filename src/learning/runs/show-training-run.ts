import { FIGURES } from "../../evaluation/ranking-metrics.js";
import type { LearningPlan } from "../learning.type.js";
import type { TrainingPlanObject } from "./training-parts.object.js";
import type { TrainingGateObject, TrainingRunObject } from "./training-run.object.js";
import type { TrainingRun } from "./training-run.type.js";

type StoredGate = NonNullable<TrainingRun["gate"]>;

/** A run as callers see it. */
export function showTrainingRun(row: TrainingRun): TrainingRunObject {
  const { request, plan, result, gate, failureCode, failure } = row;
  const { positives, recipe, budgetMinutes, seed } = request;
  return {
    row,
    ...{ id: row.id, state: row.state, stage: row.stage, done: row.done, total: row.total },
    secondsLeft: row.secondsLeft,
    positives: positives.map(({ kind, weight }) => ({ by: kind, weight })),
    ...{ recipe, budgetMinutes, seed },
    onlyLabels: request.onlyLabels ?? null,
    excludeLabels: request.excludeLabels ?? null,
    ...{ promote: row.promote, encoder: row.encoder },
    plan: plan && showPlan(plan),
    guards: [...row.guards],
    result: result && {
      ...result,
      timings: Object.entries(result.timings).map(([stage, seconds]) => ({ stage, seconds })),
    },
    gate: gate && showGate(gate),
    suspectAccuracy: row.suspectAccuracy,
    failure: failure === null ? null : { code: failureCode ?? "INTERNAL_ERROR", message: failure },
    ...{ attempts: row.attempts, checkpointStep: row.checkpointStep, cancelRequestedAt: row.cancelRequestedAt },
    ...{ seenAt: row.seenAt, createdAt: row.createdAt, startedAt: row.startedAt, finishedAt: row.finishedAt },
  };
}

export function showPlan({ photos, ...plan }: LearningPlan): TrainingPlanObject {
  return {
    ...plan,
    phases: [...plan.phases],
    trainPhotos: photos.train,
    validationPhotos: photos.validation,
    testPhotos: photos.test,
  };
}

function showGate(gate: StoredGate): TrainingGateObject {
  const { passed, reason, verdict, queries = 0, worse = [], learned, unlearned, ...compared } = gate;
  const showPart = (part: typeof learned) =>
    part ? { queries: part.queries, differences: showDifferences(part) } : null;
  return {
    ...{ passed, reason, queries },
    verdict: verdict ?? (passed ? "BETTER" : "NOT_BETTER"),
    differences: showDifferences(compared),
    ...{ learned: showPart(learned), unlearned: showPart(unlearned) },
    worse: worse.map(({ label, queries: asked, first, second, differences, intervals }) => ({
      ...{ label, queries: asked, worse: true },
      differences: showDifferences({ candidate: first, live: second, differences, intervals }),
    })),
  };
}

function showDifferences({
  candidate,
  live,
  differences,
  intervals,
}: Pick<StoredGate, "candidate" | "live" | "differences" | "intervals">): TrainingGateObject["differences"] {
  if (!candidate || !live || !differences || !intervals) return [];
  return FIGURES.map((name) => ({
    name,
    value: candidate[name],
    other: live[name],
    difference: differences[name],
    interval: intervals[name],
  }));
}
