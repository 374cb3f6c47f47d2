import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { ProductObject } from "../catalog/products/product.object.js";
import { UserErrorObject } from "../catalog/products/user-error.object.js";
import { ModelVersionObject } from "./model-version.object.js";

@ObjectType("ModelGate", { description: "What the gate decided about a candidate; its run has the figures." })
export class ModelGateObject {
  @Field(() => Boolean, { description: "Whether it was better than the model that was active then." })
  passed!: boolean;

  @Field(() => String)
  reason!: string;
}

export const PromotedBy = { GATE: "gate", PEOPLE: "people", ROLLBACK: "rollback" } as const;
registerEnumType(PromotedBy, {
  name: "PromotedBy",
  description: "Why a model came to answer.",
  valuesConfig: {
    GATE: { description: "It was better than the one before." },
    PEOPLE: { description: "Somebody promoted it." },
    ROLLBACK: { description: "The one that took its place was taken back." },
  },
});

@ObjectType("ModelPromotion", { description: "How a model came to answer, the last time it did." })
export class ModelPromotionObject {
  @Field(() => GraphQLISODateTime)
  at!: Date;

  @Field(() => PromotedBy)
  by!: "gate" | "people" | "rollback";

  @Field(() => Boolean, { description: "Although the gate had refused it, or had not been asked." })
  forced!: boolean;

  @Field(() => ID, { nullable: true, description: "The model that answered until then." })
  replacedModelId!: string | null;
}

@ObjectType("StabilityExample", { description: "A product whose neighbours changed." })
export class StabilityExampleObject {
  @Field(() => ID)
  productId!: string;

  @Field(() => Float, { description: "Share of the ten nearest that stayed." })
  overlap!: number;

  @Field(() => [ID])
  before!: string[];

  @Field(() => [ID])
  after!: string[];
}

@ObjectType("ModelStability", { description: "How much a candidate's answers differ from the active model's." })
export class ModelStabilityObject {
  @Field(() => ID, { description: "The model that it was compared with." })
  modelId!: string;

  @Field(() => Int, { description: "Products that were looked at, drawn at random." })
  products!: number;

  @Field(() => Int, { description: "Those of which at least one of the ten nearest is another one." })
  changed!: number;

  @Field(() => Float, { description: "Mean share of the ten nearest that stayed, 0 to 1." })
  meanOverlap!: number;

  @Field(() => [StabilityExampleObject], { description: "The products that changed most." })
  examples!: StabilityExampleObject[];
}

@ObjectType("ModelRefresh", { description: "How far the vectors of a model are." })
export class ModelRefreshObject {
  @Field(() => Int, { description: "Different photos that have a vector." })
  done!: number;

  @Field(() => Int, { description: "Different photos that products show." })
  total!: number;

  @Field(() => Boolean)
  paused!: boolean;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "When all of them were there for the first time." })
  completedAt!: Date | null;
}

@ObjectType("ComparedItem", { description: "A neighbour by one model, and where the other one shows it." })
export class ComparedItemObject {
  @Field(() => ProductObject)
  product!: ProductObject;

  @Field(() => Float, { description: "Cosine distance." })
  distance!: number;

  @Field(() => Int, { description: "1 for the nearest." })
  position!: number;

  @Field(() => Int, { nullable: true, description: "Null where the other model does not show it among its ten." })
  otherPosition!: number | null;
}

@ObjectType("ModelComparison", { description: "A product's ten nearest by two models." })
export class ModelComparisonObject {
  @Field(() => ProductObject)
  product!: ProductObject;

  @Field(() => [ComparedItemObject])
  a!: ComparedItemObject[];

  @Field(() => [ComparedItemObject])
  b!: ComparedItemObject[];

  @Field(() => Int, { description: "Items that both show." })
  shared!: number;
}

@ObjectType("ModelPayload")
export class ModelPayload {
  @Field(() => ModelVersionObject, { nullable: true, description: "The model as it is now." })
  model!: ModelVersionObject | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}
