import type { Core } from "../compose.js";
import { readEpochs, readSuspects } from "../learning/runs/run-records.reads.js";
import { formatPositive } from "../learning/runs/training-request.js";
import type { SuspectAccuracy, TrainingRun } from "../learning/runs/training-run.type.js";

/** Suspected labels that are counted; a run that suspects more is better looked at in GraphQL. */
const MOST_SUSPECTS = 100_000;

/** Everything about a run, as JSON has it. */
export async function runToJson({ database, models }: Pick<Core, "database" | "models">, run: TrainingRun) {
  const [epochs, suspects, model] = await Promise.all([
    readEpochs(database, run.id),
    readSuspects(database, run.id, MOST_SUSPECTS),
    run.modelId === null ? undefined : models.find(run.modelId),
  ]);
  const { request, createdAt, startedAt, finishedAt } = run;
  return {
    ...{
      id: run.id,
      state: run.state,
      stage: run.stage,
      promote: run.promote,
      ...request,
      device: run.device ?? request.device,
    },
    positives: request.positives.map(formatPositive),
    encoder: run.encoder,
    plan: run.plan,
    epochs: epochs.map((epoch) => Object.fromEntries(Object.entries(epoch).filter(([, value]) => value !== null))),
    guards: run.guards,
    suspects: suspects.length,
    ...(run.suspectAccuracy ? { suspectAccuracy: run.suspectAccuracy } : {}),
    result: run.result,
    model: model ? { id: model.id, name: model.name, state: model.state } : null,
    gate: run.gate,
    failure: run.failure === null ? null : { code: run.failureCode, message: run.failure },
    ...{ attempts: run.attempts, checkpointStep: run.checkpointStep },
    ...{ createdAt, startedAt, finishedAt },
    /** From the start of the first attempt to the end. */
    seconds: startedAt && finishedAt ? (finishedAt.getTime() - startedAt.getTime()) / 1000 : null,
  };
}

export type RunJson = Awaited<ReturnType<typeof runToJson>>;

/** Of labels that were replaced on purpose. */
export function describeAccuracy({ replaced, suspected, found, precision, recall }: SuspectAccuracy): string {
  return (
    `${found} of the ${suspected} suspected labels are among the ${replaced} that were replaced: ` +
    `precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}`
  );
}

/** The same for people. */
export function describeRun(run: RunJson): string[] {
  const { result, gate, model, failure, plan } = run;
  const lines = [`Run ${run.id}: ${run.state}${run.seconds === null ? "" : `, ${run.seconds.toFixed(0)} s`}`];
  lines.push(`  learns from ${run.positives.join(", ")}; recipe ${plan?.recipe ?? run.recipe}, seed ${run.seed}`);
  if (plan) lines.push(`  plan: ${plan.reason}`);
  for (const { guard, step, action } of run.guards) lines.push(`  step ${step}, ${guard}: ${action}`);
  if (result?.validation) {
    const { baseValidation: base, validation } = result;
    const pair = (name: "precisionAt1" | "meanAveragePrecision" | "mapAtR") =>
      `${validation[name].toFixed(3)}${base ? ` (before ${base[name].toFixed(3)})` : ""}`;
    lines.push(
      `  validation: P@1 ${pair("precisionAt1")}, mAP ${pair("meanAveragePrecision")}, MAP@R ${pair("mapAtR")}`,
    );
  }
  if (run.suspects > 0)
    lines.push(`  ${run.suspects} photos probably carry a wrong label: lookalike suspects ${run.id}`);
  if (run.suspectAccuracy) lines.push(`  ${describeAccuracy(run.suspectAccuracy)}`);
  if (model) lines.push(`  model ${model.id}, ${model.name}: ${model.state}`);
  if (gate) lines.push(`  gate: ${gate.reason}`);
  if (failure) lines.push(`  ${failure.code}: ${failure.message}`);
  if (run.state === "FAILED" || run.state === "CANCELLED") lines.push(`  To go on: lookalike resume ${run.id}`);
  return lines;
}
