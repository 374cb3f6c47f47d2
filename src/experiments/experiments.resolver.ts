import { Arg, Authorized, FieldResolver, ID, Mutation, Query, Resolver, Root } from "type-graphql";
import { toUserError } from "../catalog/products/user-error.object.js";
import { BadUserInput } from "../errors.js";
import { parseModelId } from "../models/model-version.object.js";
import { StartExperimentInput } from "./experiment.input.js";
import { ExperimentObject, ExperimentPayload, showExperiment, VariantReportObject } from "./experiment.object.js";
import type { Experiment, Experiments } from "./experiment.type.js";
import { parseExperimentId } from "./experiment-id.js";
import { ExperimentNotFound } from "./experiments.errors.js";

@Resolver(() => ExperimentObject)
export class ExperimentsResolver {
  constructor(private readonly experiments: Experiments) {}

  @Authorized("ADMIN")
  @Query(() => [ExperimentObject], { name: "experiments", description: "Newest first, 100 at most." })
  async list(): Promise<ExperimentObject[]> {
    return (await this.experiments.list()).map((experiment) => this.show(experiment));
  }

  @Authorized("ADMIN")
  @Query(() => ExperimentObject, { nullable: true })
  async experiment(@Arg("id", () => ID) id: string): Promise<ExperimentObject | null> {
    const key = parseExperimentId(id);
    const found = key === undefined ? undefined : await this.experiments.find(key);
    return found ? this.show(found) : null;
  }

  @FieldResolver(() => [VariantReportObject], {
    description: "What shoppers did with each variant's answers until now, the control first.",
  })
  async report(@Root() { experiment }: ExperimentObject): Promise<VariantReportObject[]> {
    const report = await this.experiments.report(experiment);
    return report.map((variant) => ({ ...variant, modelId: String(variant.modelId) }));
  }

  @Authorized("ADMIN")
  @Mutation(() => ExperimentPayload, {
    description:
      "Has different models answer different visitors from now on, or from a date. One experiment runs at a time. Its " +
      "models are kept up to date and cannot be deleted until it ends.",
  })
  startExperiment(@Arg("input", () => StartExperimentInput) input: StartExperimentInput): Promise<ExperimentPayload> {
    return this.answer(["input"], async () => {
      const { name, to, from, share } = input;
      const variants = input.variants.map(({ modelId: id, weight }, place) => {
        const modelId = parseModelId(id);
        if (modelId !== undefined) return { modelId, weight };
        throw new BadUserInput("modelId must be a model version's id.", ["variants", String(place), "modelId"]);
      });
      return this.experiments.start({
        ...{ name, to, variants },
        ...(from ? { from } : {}),
        ...(typeof share === "number" ? { share } : {}),
      });
    });
  }

  @Authorized("ADMIN")
  @Mutation(() => ExperimentPayload, { description: "Ends an experiment: the active model answers everybody again." })
  stopExperiment(@Arg("id", () => ID) id: string): Promise<ExperimentPayload> {
    return this.answer(["id"], async () => {
      const key = parseExperimentId(id);
      if (key === undefined) throw new ExperimentNotFound(id);
      return this.experiments.stop(key);
    });
  }

  private async answer(path: readonly string[], work: () => Promise<Experiment>): Promise<ExperimentPayload> {
    try {
      return { experiment: this.show(await work()), userErrors: [] };
    } catch (error) {
      return { experiment: null, userErrors: [toUserError(error, path)] };
    }
  }

  private show(experiment: Experiment): ExperimentObject {
    return showExperiment(experiment, this.experiments.stateOf(experiment));
  }
}
