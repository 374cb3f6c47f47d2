import { Directive, Field, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import { PageInfoObject } from "../catalog/products/page-info.object.js";
import { ProductObject } from "../catalog/products/product.object.js";
import type { SimilarItem, SimilarItemsPage } from "./similar-items.type.js";

/** Answers may be kept as long as what leads here: docs/access.md#caching. */
const INHERIT = "@cacheControl(inheritMaxAge: true)";

export const SimilarItemsStatus = { READY: "READY", PENDING: "PENDING" } as const;
registerEnumType(SimilarItemsStatus, {
  name: "SimilarItemsStatus",
  description: "Whether the answer rests on photos.",
  valuesConfig: { PENDING: { description: "The product's photos are not embedded yet: ask again in a moment." } },
});

export const SimilarItemReason = { VISUAL: "VISUAL", PINNED: "PINNED", FALLBACK: "FALLBACK" } as const;
registerEnumType(SimilarItemReason, {
  name: "SimilarItemReason",
  description: "Why an item is in the list.",
  valuesConfig: {
    VISUAL: { description: "Its photos look alike." },
    PINNED: { description: "The shop put it there." },
    FALLBACK: { description: "Nothing alike was left; it is popular or new in the same category." },
  },
});

@Directive(INHERIT)
@ObjectType("SimilarItemEdge")
export class SimilarItemEdgeObject {
  /** What the search found, for the fields that are looked up when asked for. */
  item!: SimilarItem;
  /** The products asked for. */
  seeds!: readonly bigint[];

  @Field(() => String)
  cursor!: string;

  @Field(() => ProductObject)
  node!: ProductObject;

  @Field(() => Float, {
    description:
      "0 … 1 by how many random pairs of products are nearer to each other than these two, the same for every model: " +
      "0.2 one in 10, 0.4 one in 100, 0.6 one in 1,000, 1 the same picture; 0 for a fallback.",
  })
  score!: number;

  @Field(() => Float, { description: "Cosine distance of the vectors, 0 … 2; 2 for a fallback." })
  distance!: number;

  @Field(() => SimilarItemReason)
  reason!: SimilarItem["reason"];
}

@Directive(INHERIT)
@ObjectType("SimilarItemConnection", { description: "Products that look alike, nearest first." })
export class SimilarItemConnectionObject {
  modelId!: number;
  /** The products asked for. */
  seeds!: readonly bigint[];
  experiment?: NonNullable<SimilarItemsPage["experiment"]>;

  @Field(() => [SimilarItemEdgeObject])
  edges!: SimilarItemEdgeObject[];

  @Field(() => [ProductObject])
  nodes!: ProductObject[];

  @Field(() => PageInfoObject)
  pageInfo!: PageInfoObject;

  @Field(() => Int, {
    nullable: true,
    description: "Number of items when all of them are on this page, null otherwise: counting them would compare all.",
  })
  totalCount!: number | null;

  @Field(() => SimilarItemsStatus)
  status!: SimilarItemsPage["status"];
}
