import { type Core, composeCore } from "../compose.js";
import type { Config } from "../config.js";
import { countWorkers } from "../jobs/worker-presence.js";
import type { RecipeName } from "../learning/learning.type.js";
import type { StartTraining } from "../learning/runs/training.js";
import { readPositives } from "../learning/runs/training-request.js";
import type { TrainingRun } from "../learning/runs/training-run.type.js";
import { formatTable, say, writeAnswer } from "./answer.js";
import { describeRun, runToJson } from "./describe-run.js";
import { type CommonOptions, openSettings } from "./settings.js";
import { waitForTraining } from "./wait-for-training.js";

export interface TrainOptions extends CommonOptions {
  readonly positives?: string;
  readonly recipe?: RecipeName;
  readonly budgetMinutes?: number;
  readonly seed?: number;
  readonly device?: Config["device"];
  readonly promote: "if-better" | "never";
  readonly labelsOnly?: readonly string[];
  readonly excludeLabels?: readonly string[];
  readonly labelNoise?: number;
  readonly shuffleLabels?: boolean;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

/** Starts a training run; with `--wait` sees it to its end. */
export async function train(options: TrainOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const core = await composeCore(config, logger, "client");
  try {
    await core.ensureBaseModel();
    const wishes = toWishes(options);
    if (options.dryRun) return await preview(core, wishes, options.json);
    const run = await core.training.start(wishes);
    say(`Started run ${run.id}.`);
    if (options.wait) await waitAndTell(core, run.id, options.json);
    else {
      await tell(core, run, options.json);
      await sayWhoTrains(core, run.id);
    }
  } finally {
    await core.close();
  }
}

/** Waits for a run and answers with what became of it. Ctrl-C ends the waiting, not the run. */
export async function waitAndTell(core: Core, id: string, json: boolean | undefined): Promise<void> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  try {
    const run = await waitForTraining(core, id, interrupted.signal);
    if (interrupted.signal.aborted) {
      say(`Not waiting any longer. Run ${id} goes on as soon as a worker runs, from its last checkpoint:`);
      say(`  lookalike resume ${id} --wait   waits for it again`);
      say(`  lookalike cancel ${id}          stops it`);
      process.exitCode = 130;
    } else if (run.state !== "SUCCEEDED") process.exitCode = 1;
    await tell(core, run, json);
  } finally {
    process.off("SIGINT", interrupt);
  }
}

export async function tell(core: Core, run: TrainingRun, json: boolean | undefined): Promise<void> {
  const answer = await runToJson(core, run);
  writeAnswer(answer, json, () => describeRun(answer));
}

export async function sayWhoTrains({ database }: Core, id: string): Promise<void> {
  if ((await countWorkers(database)) > 0) say(`A worker trains it. Look at it with: lookalike runs ${id}`);
  else say('It waits for a worker: "lookalike serve" or "lookalike worker" trains it, or train with --wait.');
}

async function preview(core: Core, wishes: StartTraining, json: boolean | undefined): Promise<void> {
  const known = await core.training.preview(wishes);
  const { request, promote, encoder, counts } = known;
  const plan = await core.training.plan(known, new AbortController().signal);
  writeAnswer({ request, promote, encoder, counts, plan }, json, () => [
    `Would tune ${encoder} with the recipe ${plan.recipe}: ${plan.reason}`,
    ...plan.phases.map(({ description, estimatedSeconds }) => `  ${description}, ${Math.round(estimatedSeconds)} s`),
    ...formatTable(
      ["what", "how many"],
      [
        ["photos with a vector", counts.photos],
        ["photos still to be fetched or embedded", counts.photosMissing],
        [`labels by ${request.positives[0]!.kind}`, counts.labels],
        ["  with two photos or more", counts.labelsWithPairs],
        ["photos with a label", counts.labelledPhotos],
        ["photos set aside for tests by the import", counts.test],
      ],
    ),
  ]);
}

function toWishes(options: TrainOptions): StartTraining {
  const { positives, recipe, budgetMinutes, seed, device, labelsOnly, excludeLabels, labelNoise, shuffleLabels } =
    options;
  return {
    promote: options.promote === "never" ? "NEVER" : "IF_BETTER",
    ...(positives === undefined ? {} : { positives: readPositives(positives) }),
    ...(recipe === undefined ? {} : { recipe }),
    ...(budgetMinutes === undefined ? {} : { budgetMinutes }),
    ...(seed === undefined ? {} : { seed }),
    ...(device === undefined ? {} : { device }),
    ...(labelsOnly === undefined ? {} : { onlyLabels: [...labelsOnly] }),
    ...(excludeLabels === undefined ? {} : { excludeLabels: [...excludeLabels] }),
    ...(labelNoise === undefined ? {} : { labelNoise }),
    ...(shuffleLabels === undefined ? {} : { shuffleLabels }),
  };
}
