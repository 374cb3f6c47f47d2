import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import { ModelVersionObject, parseModelId, showModel } from "./model-version.object.js";
import type { ModelVersion } from "./model-version.type.js";

/** All model versions, newest first. */
export type ListModels = () => Promise<ModelVersion[]>;

@Resolver(() => ModelVersionObject)
export class ModelVersionResolver {
  constructor(private readonly listModels: ListModels) {}

  @Query(() => [ModelVersionObject], { description: "Every model version, newest first." })
  async models(): Promise<ModelVersionObject[]> {
    return (await this.listModels()).map(showModel);
  }

  @Query(() => ModelVersionObject, { nullable: true })
  async model(@Arg("id", () => ID) id: string, @Ctx() context: GraphqlContext): Promise<ModelVersionObject | null> {
    const key = parseModelId(id);
    const model = key === undefined ? undefined : await context.loaders.model.load(key);
    return model ? showModel(model) : null;
  }
}
