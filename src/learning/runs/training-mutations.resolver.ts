import pLimit from "p-limit";
import { Arg, Authorized, Ctx, ID, Mutation, Resolver, Root, Subscription } from "type-graphql";
import { toUserError } from "../../catalog/products/user-error.object.js";
import type { GraphqlContext } from "../../server/graphql-context.type.js";
import type { LearningPlan } from "../learning.type.js";
import { showPlan, showTrainingRun } from "./show-training-run.js";
import { StartTrainingInput } from "./training.input.js";
import type { StartTraining, Training, TrainingPreview } from "./training.js";
import { StartTrainingPayload, type TrainingPreviewObject, TrainingRunPayload } from "./training-payload.object.js";
import { TrainingRunObject } from "./training-run.object.js";
import type { TrainingRun } from "./training-run.type.js";

@Resolver()
export class TrainingMutationsResolver {
  /** Planning times this machine, one plan at a time. */
  private readonly inTurn = pLimit(1);

  constructor(private readonly training: Training) {}

  @Authorized("ADMIN")
  @Mutation(() => StartTrainingPayload, {
    description: "Has a worker learn the shop's own notion of similar. One run at a time for each device; others wait.",
  })
  async startTraining(
    @Arg("input", () => StartTrainingInput, { nullable: true }) input: StartTrainingInput | null | undefined,
    @Ctx() { signal }: GraphqlContext,
  ): Promise<StartTrainingPayload> {
    try {
      const wishes = toWishes(input ?? {});
      const known = await this.training.preview(wishes);
      if (input?.dryRun) {
        const plan = await this.inTurn(() => this.training.plan(known, signal));
        return { run: null, preview: showPreview(known, plan), userErrors: [] };
      }
      return { run: showTrainingRun(await this.training.start(wishes)), preview: showPreview(known), userErrors: [] };
    } catch (error) {
      return { run: null, preview: null, userErrors: [toUserError(error, ["input"])] };
    }
  }

  @Authorized("ADMIN")
  @Mutation(() => TrainingRunPayload, {
    description: "Stops a run. Training ends within two seconds and can be resumed.",
  })
  cancelTraining(@Arg("id", () => ID) id: string): Promise<TrainingRunPayload> {
    return this.change(id, () => this.training.cancel(id));
  }

  @Authorized("ADMIN")
  @Mutation(() => TrainingRunPayload, {
    description: "Has a run that failed or was cancelled go on from its last checkpoint.",
  })
  resumeTraining(@Arg("id", () => ID) id: string): Promise<TrainingRunPayload> {
    return this.change(id, () => this.training.resume(id));
  }

  private async change(id: string, change: () => Promise<TrainingRun>): Promise<TrainingRunPayload> {
    try {
      return { run: showTrainingRun(await change()), userErrors: [] };
    } catch (error) {
      const userErrors = [toUserError(error, ["id"])];
      const run = await this.training.find(id);
      return { run: run ? showTrainingRun(run) : null, userErrors };
    }
  }
}

interface Subscribing {
  readonly args: Record<string, unknown>;
  readonly context: GraphqlContext;
}

@Resolver()
export class TrainingProgressResolver {
  @Authorized("ADMIN")
  @Subscription(() => TrainingRunObject, {
    description: "A run, each time that it has come further, until it ends.",
    subscribe: ({ args, context }: Subscribing) => context.training.run(String(args.runId), context.signal),
  })
  trainingProgress(@Root() run: TrainingRun, @Arg("runId", () => ID) _runId: string): TrainingRunObject {
    return showTrainingRun(run);
  }
}

function toWishes({
  positives,
  onlyLabels,
  excludeLabels,
  dryRun: _,
  ...rest
}: Partial<StartTrainingInput>): StartTraining {
  return {
    ...rest,
    ...(positives ? { positives: positives.map(({ by, weight }) => ({ kind: by, weight })) } : {}),
    ...(onlyLabels ? { onlyLabels } : {}),
    ...(excludeLabels ? { excludeLabels } : {}),
  };
}

function showPreview(
  { encoder, counts: { test, ...counts } }: TrainingPreview,
  plan?: LearningPlan,
): TrainingPreviewObject {
  return { encoder, ...counts, testPhotos: test, plan: plan ? showPlan(plan) : null };
}
