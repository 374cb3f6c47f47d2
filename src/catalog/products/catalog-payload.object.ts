import { Field, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { ImportRunObject } from "../import/import-run.object.js";
import type { CatalogOutcome } from "./catalog-event.type.js";
import { ProductObject } from "./product.object.js";
import { UserErrorObject } from "./user-error.object.js";

/** Names as GraphQL writes them, for the outcomes of the catalog. */
export const ProductOutcome = {
  CREATED: "created",
  UPDATED: "updated",
  UNCHANGED: "unchanged",
  STALE: "stale",
  DELETED: "deleted",
  ABSENT: "absent",
} as const satisfies Record<string, CatalogOutcome>;
registerEnumType(ProductOutcome, {
  name: "ProductOutcome",
  description: "What became of a product that was sent.",
  valuesConfig: {
    UNCHANGED: { description: "It already was like that: nothing was written, nothing is embedded again." },
    STALE: { description: "Something newer was there already." },
    ABSENT: { description: "There was nothing to delete." },
  },
});

@ObjectType("ProductResult")
export class ProductResultObject {
  @Field(() => String)
  externalId!: string;

  @Field(() => ProductOutcome)
  outcome!: CatalogOutcome;

  @Field(() => ID, { nullable: true, description: "Ours; null for a product that never existed." })
  productId!: string | null;

  @Field(() => ProductObject, { nullable: true, description: "The product as it is now; null when it is deleted." })
  product!: ProductObject | null;
}

@ObjectType("UpsertProductsPayload")
export class UpsertProductsPayload {
  @Field(() => [ProductResultObject], { description: "One entry for every product that was taken." })
  results!: ProductResultObject[];

  @Field(() => [UserErrorObject], { description: "Products that were not taken; the others were." })
  userErrors!: UserErrorObject[];
}

@ObjectType("DeleteProductsPayload")
export class DeleteProductsPayload {
  @Field(() => [ProductResultObject])
  results!: ProductResultObject[];

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}

@ObjectType("ImportCatalogPayload")
export class ImportCatalogPayload {
  @Field(() => ImportRunObject, { nullable: true, description: "The import, which a worker carries out." })
  importRun!: ImportRunObject | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}

@ObjectType("RefreshEmbeddingsPayload")
export class RefreshEmbeddingsPayload {
  @Field(() => Int, { description: "Photos that will be embedded." })
  photosToEmbed!: number;

  @Field(() => Int, { description: "Photos that will be fetched." })
  photosToFetch!: number;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}
