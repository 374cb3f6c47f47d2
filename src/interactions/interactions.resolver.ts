import {
  Arg,
  Authorized,
  Ctx,
  FieldResolver,
  GraphQLISODateTime,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
} from "type-graphql";
import { toUserError, type UserErrorObject } from "../catalog/products/user-error.object.js";
import { BadUserInput } from "../errors.js";
import { ModelNotFound } from "../models/model-promotion.errors.js";
import { parseModelId, showModel } from "../models/model-version.object.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import { SimilarItemConnectionObject } from "../similar/similar-items.object.js";
import type { AttributionTokens } from "./attribution.js";
import { RecordInteractionsInput } from "./interaction.input.js";
import { ModelReportObject, RecordInteractionsPayload } from "./interaction.object.js";
import type { InteractionCounts, InteractionEvent } from "./interaction.type.js";
import type { RecordInteractions } from "./record-interactions.js";

/** @see countOfModel */
type CountOfModel = (modelId: number, span: { readonly from: Date; readonly to: Date }) => Promise<InteractionCounts>;

const REPORT_DAYS = 28;
const DAY_MS = 86_400_000;

@Resolver()
export class InteractionsResolver {
  constructor(
    private readonly record: RecordInteractions,
    private readonly countOfModel: CountOfModel,
  ) {}

  @Mutation(() => RecordInteractionsPayload, {
    description: "Tells what shoppers did with the products of answers. Events that are wrong hold no other one up.",
  })
  async recordInteractions(
    @Arg("input", () => RecordInteractionsInput) { events }: RecordInteractionsInput,
    @Ctx() { loaders, visitor }: GraphqlContext,
  ): Promise<RecordInteractionsPayload> {
    const path = ["input", "events"];
    try {
      const { recorded, repeated, refused } = await this.record(events.map(toEvent), {
        ...(visitor === undefined ? {} : { visitor }),
        findReferences: (references) => loaders.productReference.loadMany(references),
      });
      const userErrors = refused.map((event): UserErrorObject => toUserError(event.error, [...path, ...event.path]));
      return { recorded, repeated, userErrors };
    } catch (error) {
      return { recorded: 0, repeated: 0, userErrors: [toUserError(error, ["input"])] };
    }
  }

  @Authorized("ADMIN")
  @Query(() => ModelReportObject, { description: "What shoppers did with a model's answers." })
  async modelReport(
    @Arg("modelId", () => ID) id: string,
    @Ctx() { loaders }: GraphqlContext,
    @Arg("from", () => GraphQLISODateTime, { nullable: true, description: "Left out: 28 days before `to`." })
    begin?: Date | null,
    @Arg("to", () => GraphQLISODateTime, { nullable: true, description: "Left out: now." }) end?: Date | null,
  ): Promise<ModelReportObject> {
    const modelId = parseModelId(id);
    const model = modelId === undefined ? undefined : await loaders.model.load(modelId);
    if (modelId === undefined || model === undefined) throw new ModelNotFound(id);
    const to = end ?? new Date();
    const from = begin ?? new Date(to.getTime() - REPORT_DAYS * DAY_MS);
    if (!(from < to)) throw new BadUserInput("to must be later than from.", ["to"]);
    return { modelId, from, to, counts: await this.countOfModel(modelId, { from, to }), model: showModel(model) };
  }
}

/** The token of an answer is made when it is asked for: answers without it pay nothing. */
@Resolver(() => SimilarItemConnectionObject)
export class AttributionTokenResolver {
  constructor(private readonly tokens: AttributionTokens) {}

  @FieldResolver(() => String, {
    description: "Says which answer this was, for `recordInteractions`. Opaque, the same for every page's products.",
  })
  attributionToken(@Root() { modelId, seeds, experiment }: SimilarItemConnectionObject): Promise<string> {
    const [seedProductId] = seeds;
    return this.tokens.write({
      modelId,
      ...(seedProductId === undefined ? {} : { seedProductId }),
      ...(experiment === undefined ? {} : { experiment }),
    });
  }
}

function toEvent({
  kind,
  productIds,
  attributionToken,
  eventId,
  at,
  visitor,
}: RecordInteractionsInput["events"][0]): InteractionEvent {
  return {
    ...{ kind, productIds, attributionToken },
    ...(typeof eventId === "string" ? { eventId } : {}),
    ...(at ? { at } : {}),
    ...(typeof visitor === "string" ? { visitor } : {}),
  };
}
