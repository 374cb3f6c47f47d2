import { Arg, Authorized, Ctx, FieldResolver, GraphQLISODateTime, ID, Query, Resolver, Root } from "type-graphql";
import { formatProductId } from "../catalog/products/product-id.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import type { ListModels } from "./list-models.js";
import type { ModelDetails } from "./model-details.type.js";
import {
  ModelGateObject,
  ModelPromotionObject,
  ModelRefreshObject,
  ModelStabilityObject,
} from "./model-history.object.js";
import { ModelNotFound } from "./model-promotion.errors.js";
import { ModelVersionObject, parseModelId, showModel } from "./model-version.object.js";

/** Photos that products show, and those of them that have a vector of the model. */
export type CountPhotos = (modelId: number) => Promise<{ readonly done: number; readonly total: number }>;

@Resolver(() => ModelVersionObject)
export class ModelVersionResolver {
  constructor(
    private readonly listModels: ListModels,
    private readonly countPhotos: CountPhotos,
  ) {}

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

  @FieldResolver(() => ModelVersionObject, { nullable: true, description: "The model that it was trained from." })
  async parent(@Root() root: ModelVersionObject, @Ctx() context: GraphqlContext): Promise<ModelVersionObject | null> {
    const { parentId } = await this.detailsOf(root);
    const parent = parentId === null ? undefined : await context.loaders.model.load(parentId);
    return parent ? showModel(parent) : null;
  }

  @FieldResolver(() => ID, { nullable: true, description: "The training run that made it." })
  async runId(@Root() root: ModelVersionObject): Promise<string | null> {
    return (await this.detailsOf(root)).runId;
  }

  @FieldResolver(() => GraphQLISODateTime)
  async createdAt(@Root() root: ModelVersionObject): Promise<Date> {
    return (await this.detailsOf(root)).createdAt;
  }

  @FieldResolver(() => GraphQLISODateTime, { nullable: true, description: "When it came to answer, the last time." })
  async activatedAt(@Root() root: ModelVersionObject): Promise<Date | null> {
    return (await this.detailsOf(root)).activatedAt;
  }

  @FieldResolver(() => GraphQLISODateTime, { nullable: true })
  async retiredAt(@Root() root: ModelVersionObject): Promise<Date | null> {
    return (await this.detailsOf(root)).retiredAt;
  }

  @Authorized("ADMIN")
  @FieldResolver(() => ModelGateObject, { nullable: true, description: "Null for one that was never judged." })
  async gate(@Root() root: ModelVersionObject): Promise<ModelGateObject | null> {
    return (await this.detailsOf(root)).metrics.gate ?? null;
  }

  @Authorized("ADMIN")
  @FieldResolver(() => ModelPromotionObject, { nullable: true })
  async promotion(@Root() root: ModelVersionObject): Promise<ModelPromotionObject | null> {
    const { promotion } = (await this.detailsOf(root)).metrics;
    if (promotion === undefined) return null;
    const { at, replacedModelId, by, forced } = promotion;
    return { at: new Date(at), by, forced, replacedModelId: replacedModelId === null ? null : String(replacedModelId) };
  }

  @Authorized("ADMIN")
  @FieldResolver(() => ModelStabilityObject, { nullable: true })
  async stability(@Root() root: ModelVersionObject): Promise<ModelStabilityObject | null> {
    const { stability } = (await this.detailsOf(root)).metrics;
    if (stability === undefined) return null;
    const show = (ids: readonly string[]): string[] => ids.map((id) => formatProductId(BigInt(id)));
    return {
      ...stability,
      modelId: String(stability.modelId),
      examples: stability.examples.map(({ productId, overlap, before, after }) => ({
        productId: formatProductId(BigInt(productId)),
        overlap,
        before: show(before),
        after: show(after),
      })),
    };
  }

  @Authorized("ADMIN")
  @FieldResolver(() => ModelRefreshObject, { nullable: true, description: "Null once it is deleted." })
  async refresh(@Root() root: ModelVersionObject): Promise<ModelRefreshObject | null> {
    const { id, refreshPaused, refreshedAt, deletedAt } = await this.detailsOf(root);
    if (deletedAt !== null) return null;
    return { ...(await this.countPhotos(id)), paused: refreshPaused, completedAt: refreshedAt };
  }

  /** A model that was loaded without its history gets it here. */
  private async detailsOf({ id, details }: ModelVersionObject): Promise<ModelDetails> {
    const found = details ?? (await this.listModels([Number(id)]))[0];
    if (found === undefined) throw new ModelNotFound(id);
    return found;
  }
}
