import pLimit from "p-limit";
import { Args, ArgsType, Authorized, Ctx, Field, Query, Resolver } from "type-graphql";
import type { GraphqlContext } from "../../server/graphql-context.type.js";
import { DistanceDistributionObject, showDistribution } from "./distribution.object.js";
import type { Distributions } from "./distribution.type.js";

@ArgsType()
export class DistributionArgs {
  @Field(() => String, { defaultValue: "active", description: "active, base, or a model's id." })
  model!: string;

  @Field(() => String, { defaultValue: "category", description: "category, group, product, or attribute:NAME." })
  labels!: string;

  @Field(() => Boolean, { defaultValue: false, description: "Measure again, although a report is kept." })
  refresh!: boolean;
}

@Resolver(() => DistanceDistributionObject)
export class DistributionResolver {
  /** One at a time: it reads every vector of a model. */
  private readonly inTurn = pLimit(1);

  constructor(private readonly distributions: Distributions) {}

  @Authorized("ADMIN")
  @Query(() => DistanceDistributionObject, {
    description: "The report that was kept last, by a training run or by this; measured when there is none.",
  })
  async distanceDistribution(
    @Args(() => DistributionArgs) { model, labels, refresh }: DistributionArgs,
    @Ctx() { signal }: GraphqlContext,
  ): Promise<DistanceDistributionObject> {
    const kept = refresh ? undefined : await this.distributions.find({ model, labels });
    if (kept !== undefined) return showDistribution(kept);
    const request = { model, labels, split: "all" } as const;
    return showDistribution(await this.inTurn(() => this.distributions.measure(request, signal)));
  }
}
