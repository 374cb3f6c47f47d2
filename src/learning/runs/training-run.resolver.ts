import { Arg, Args, Authorized, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";
import { toPageInfo } from "../../catalog/products/page-info.object.js";
import { ProductImageObject, ProductObject } from "../../catalog/products/product.object.js";
import { formatImageId } from "../../catalog/products/product-id.js";
import { showImage, showProduct } from "../../catalog/products/show-product.js";
import type { Sql } from "../../database/database.type.js";
import { BadUserInput } from "../../errors.js";
import { ModelVersionObject, showModel } from "../../models/model-version.object.js";
import type { GraphqlContext } from "../../server/graphql-context.type.js";
import { readEpochs, readSuspects, readTriplets } from "./run-records.reads.js";
import { showTrainingRun } from "./show-training-run.js";
import { SuspectsArgs, TrainingRunsArgs, TripletsArgs } from "./training.input.js";
import type { Training } from "./training.js";
import { TrainingEpochObject } from "./training-parts.object.js";
import { MinedTripletObject, SuspectLabelObject, TrainingPhotoObject } from "./training-records.object.js";
import { TrainingRunConnectionObject, TrainingRunObject } from "./training-run.object.js";
import { isRunId } from "./training-runs.repository.js";

@Resolver(() => TrainingRunObject)
export class TrainingRunResolver {
  constructor(
    private readonly training: Pick<Training, "find" | "list">,
    private readonly database: Sql,
  ) {}

  @Authorized("ADMIN")
  @Query(() => TrainingRunObject, { nullable: true })
  async trainingRun(@Arg("id", () => ID) id: string): Promise<TrainingRunObject | null> {
    const run = await this.training.find(id);
    return run ? showTrainingRun(run) : null;
  }

  @Authorized("ADMIN")
  @Query(() => TrainingRunConnectionObject, { description: "Training runs, newest first." })
  async trainingRuns(
    @Args(() => TrainingRunsArgs) { first, after, state }: TrainingRunsArgs,
  ): Promise<TrainingRunConnectionObject> {
    if (after && !isRunId(after)) throw new BadUserInput("after is not a cursor of this list.", ["after"]);
    const rows = await this.training.list({ limit: first + 1, after: after ?? undefined, state: state ?? undefined });
    const edges = rows.slice(0, first).map((row) => ({ cursor: row.id, node: showTrainingRun(row) }));
    return { edges, nodes: edges.map(({ node }) => node), pageInfo: toPageInfo(edges, rows.length > first) };
  }

  @FieldResolver(() => ModelVersionObject, { nullable: true, description: "The model that it started from." })
  async parentModel(@Root() { row }: TrainingRunObject, @Ctx() context: GraphqlContext) {
    const model = await context.loaders.model.load(row.parentId);
    return model ? showModel(model) : null;
  }

  @FieldResolver(() => ModelVersionObject, { nullable: true, description: "The model that it has made." })
  async model(@Root() { row }: TrainingRunObject, @Ctx() context: GraphqlContext) {
    const model = row.modelId === null ? undefined : await context.loaders.model.load(row.modelId);
    return model ? showModel(model) : null;
  }

  @FieldResolver(() => [TrainingEpochObject], { description: "In their order." })
  async epochs(
    @Root() { row }: TrainingRunObject,
    @Arg("after", () => Int, { defaultValue: 0, description: "Those that come after this one." }) after: number,
  ): Promise<TrainingEpochObject[]> {
    const epochs = await readEpochs(this.database, row.id, after);
    return epochs.map((epoch) => ({
      ...epoch,
      loss: finite(epoch.loss),
      active: finite(epoch.active),
      gradientNorm: finite(epoch.gradientNorm),
    }));
  }

  @FieldResolver(() => [MinedTripletObject], { description: "A sample of what was mined, to look at." })
  async triplets(
    @Root() { row }: TrainingRunObject,
    @Args(() => TripletsArgs) { epoch, first }: TripletsArgs,
  ): Promise<MinedTripletObject[]> {
    const triplets = await readTriplets(this.database, row.id, epoch ?? undefined, first);
    return triplets.map(({ anchor, positive, negative, ...rest }) => ({
      ...rest,
      anchor: showPhoto(anchor),
      positive: showPhoto(positive),
      negative: showPhoto(negative),
    }));
  }

  @FieldResolver(() => [SuspectLabelObject], { description: "Photos that probably carry a wrong label." })
  async suspectLabels(
    @Root() { row }: TrainingRunObject,
    @Args(() => SuspectsArgs) { first }: SuspectsArgs,
  ): Promise<SuspectLabelObject[]> {
    const suspects = await readSuspects(this.database, row.id, first);
    return suspects.map(({ imageId, label, suggested, agreement }) => ({
      ...{ photo: showPhoto(imageId), label, suggested, agreement },
    }));
  }
}

@Resolver(() => TrainingPhotoObject)
export class TrainingPhotoResolver {
  @FieldResolver(() => ProductImageObject, { nullable: true })
  async image(@Root() { key }: TrainingPhotoObject, @Ctx() { loaders }: GraphqlContext) {
    const row = await loaders.image.load(key);
    return row ? showImage(row) : null;
  }

  @FieldResolver(() => ProductObject, { nullable: true })
  async product(@Root() { key }: TrainingPhotoObject, @Ctx() { loaders }: GraphqlContext) {
    const photo = await loaders.image.load(key);
    const row = photo && (await loaders.product.load(photo.productId));
    return row ? showProduct(row) : null;
  }
}

function showPhoto(key: bigint): TrainingPhotoObject {
  return { key, imageId: formatImageId(key) };
}

/** GraphQL has no number that is none. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
