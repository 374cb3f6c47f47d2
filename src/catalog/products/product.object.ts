import { Directive, Field, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { PhotoState, ProductStatus } from "../../generated/prisma/enums.js";
import { PageInfoObject } from "./page-info.object.js";
import type { ProductsCondition } from "./product-reads.type.js";

/** Answers may be kept as long as what leads here: docs/access.md#caching. */
const INHERIT = "@cacheControl(inheritMaxAge: true)";

registerEnumType(ProductStatus, {
  name: "ProductStatus",
  description: "Whether shoppers may see a product.",
  valuesConfig: {
    ACTIVE: { description: "On sale." },
    DRAFT: { description: "Not published yet." },
    ARCHIVED: { description: "Taken out of the shop, kept by the platform." },
  },
});

registerEnumType(PhotoState, {
  name: "PhotoState",
  description: "How far a photo has come.",
  valuesConfig: {
    PENDING: { description: "Waiting to be fetched." },
    READY: { description: "Fetched, checked and stored." },
    FAILED: { description: "Could not be used; `failure` says why." },
  },
});

@Directive(INHERIT)
@ObjectType("Money", { description: "An amount of money." })
export class MoneyObject {
  @Field(() => String, { description: "Decimal number as text, such as `19.90`: binary fractions would round it." })
  amount!: string;

  @Field(() => String, {
    description: "The amount in the currency's smallest unit as text, since JSON numbers are exact to 2^53 only.",
  })
  minor!: string;

  @Field(() => String, { description: "ISO 4217." })
  currency!: string;
}

@Directive(INHERIT)
@ObjectType("ProductAttribute", { description: "A free attribute such as color or material." })
export class ProductAttributeObject {
  @Field(() => String)
  name!: string;

  @Field(() => [String])
  values!: string[];
}

@Directive(INHERIT)
@ObjectType("PhotoFailure", { description: "Why a photo could not be used." })
export class PhotoFailureObject {
  @Field(() => String)
  code!: string;

  @Field(() => String)
  message!: string;

  @Field(() => Boolean, { description: "The network's fault, tried again; otherwise the file's fault, and final." })
  retryable!: boolean;
}

@Directive(INHERIT)
@ObjectType("ProductImage", { description: "One photo of a product." })
export class ProductImageObject {
  @Field(() => ID)
  id!: string;

  @Field(() => String, {
    description: "Address that the source gave. A photo read from disk is served by this server, under `/photos`.",
  })
  url!: string;

  @Field(() => PhotoState)
  state!: PhotoState;

  @Field(() => PhotoFailureObject, { nullable: true })
  failure!: PhotoFailureObject | null;

  @Field(() => Int, { nullable: true, description: "In pixels, once the photo is fetched." })
  width!: number | null;

  @Field(() => Int, { nullable: true, description: "In pixels, once the photo is fetched." })
  height!: number | null;
}

@Directive(INHERIT)
@ObjectType("Product", { description: "A product of the shop, as its source tells it." })
export class ProductObject {
  /** Its key in the database; `id` is what callers see. */
  key!: bigint;

  @Field(() => ID, { description: "Ours, such as `prod_42`." })
  id!: string;

  @Field(() => String, { description: "The shop or feed that owns it." })
  source!: string;

  @Field(() => String, { description: "The source's own id; unique within the source." })
  externalId!: string;

  @Field(() => String, { nullable: true, description: "Colour and size variants share it." })
  groupKey!: string | null;

  @Field(() => String)
  title!: string;

  @Field(() => String, { nullable: true })
  description!: string | null;

  @Field(() => String, { nullable: true })
  handle!: string | null;

  @Field(() => String, { nullable: true })
  url!: string | null;

  @Field(() => String, { nullable: true })
  brand!: string | null;

  @Field(() => [String], { description: "Outermost category first; empty when unknown." })
  categoryPath!: string[];

  @Field(() => MoneyObject, { nullable: true })
  price!: MoneyObject | null;

  @Field(() => Boolean)
  inStock!: boolean;

  @Field(() => [ProductAttributeObject])
  attributes!: ProductAttributeObject[];

  @Field(() => ProductStatus)
  status!: ProductStatus;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date)
  updatedAt!: Date;
}

@Directive(INHERIT)
@ObjectType("ProductEdge")
export class ProductEdgeObject {
  @Field(() => String)
  cursor!: string;

  @Field(() => ProductObject)
  node!: ProductObject;
}

@Directive(INHERIT)
@ObjectType("ProductConnection")
export class ProductConnectionObject {
  @Field(() => [ProductEdgeObject])
  edges!: ProductEdgeObject[];

  @Field(() => [ProductObject])
  nodes!: ProductObject[];

  @Field(() => PageInfoObject)
  pageInfo!: PageInfoObject;

  /** What was asked for, for the count. */
  condition!: ProductsCondition;
}
