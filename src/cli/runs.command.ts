import { formatPositive } from "../learning/runs/training-request.js";
import type { TrainingRun } from "../learning/runs/training-run.type.js";
import { formatTable, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { sayWhoTrains, tell, waitAndTell } from "./train.command.js";
import { withCore } from "./with-core.js";

/** Lists training runs, newest first, or tells everything about one. */
export async function showRuns(
  reference: string | undefined,
  options: CommonOptions & { readonly first: number },
): Promise<void> {
  await withCore(options, async (core) => {
    if (reference !== undefined) return tell(core, await core.training.resolve(reference), options.json);
    const runs = await core.training.list({ limit: options.first });
    writeAnswer(runs.map(toJson), options.json, () =>
      runs.length === 0
        ? ['No training run yet: "lookalike train" starts one.']
        : formatTable(
            ["id", "state", "stage", "progress", "positives", "recipe", "model", "started"],
            runs.map((run) => [
              run.id,
              run.state,
              run.stage ?? "",
              run.total > 0 && run.finishedAt === null ? `${Math.floor((100 * run.done) / run.total)} %` : "",
              run.request.positives.map(formatPositive).join(","),
              run.plan?.recipe ?? run.request.recipe,
              run.modelId ?? "",
              (run.startedAt ?? run.createdAt).toISOString().slice(0, 16).replace("T", " "),
            ]),
          ),
    );
  });
}

export async function cancelRun(reference: string, options: CommonOptions): Promise<void> {
  await withCore(options, async (core) => {
    const { id } = await core.training.resolve(reference);
    await tell(core, await core.training.cancel(id), options.json);
  });
}

export async function resumeRun(
  reference: string,
  options: CommonOptions & { readonly wait?: boolean },
): Promise<void> {
  await withCore(options, async (core) => {
    const known = await core.training.resolve(reference);
    // One that goes on anyway can be waited for again.
    const goesOn = options.wait === true && ["QUEUED", "RUNNING", "REFRESHING"].includes(known.state);
    const run = goesOn ? known : await core.training.resume(known.id);
    if (options.wait) return waitAndTell(core, run.id, options.json);
    await tell(core, run, options.json);
    await sayWhoTrains(core, run.id);
  });
}

function toJson({
  id,
  state,
  stage,
  done,
  total,
  secondsLeft,
  request,
  modelId,
  failureCode,
  failure,
  ...run
}: TrainingRun) {
  return {
    ...{ id, state, stage, done, total, secondsLeft },
    positives: request.positives.map(formatPositive),
    recipe: run.plan?.recipe ?? request.recipe,
    modelId,
    failure: failure === null ? null : { code: failureCode, message: failure },
    ...{ createdAt: run.createdAt, startedAt: run.startedAt, finishedAt: run.finishedAt },
  };
}
