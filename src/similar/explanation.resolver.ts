import { Ctx, FieldResolver, Float, Int, Resolver, Root } from "type-graphql";
import { ProductAttributeObject, ProductImageObject } from "../catalog/products/product.object.js";
import type { ProductRow } from "../catalog/products/product-reads.type.js";
import { showImage } from "../catalog/products/show-product.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import { SimilarItemExplanationObject, SimilarItemRule } from "./explanation.object.js";

/** Everything is looked up when it is asked for: an answer without explanations pays for none. */
@Resolver(() => SimilarItemExplanationObject)
export class SimilarItemExplanationResolver {
  @FieldResolver(() => SimilarItemRule)
  rule(@Root() { item }: SimilarItemExplanationObject): keyof typeof SimilarItemRule {
    return item.rule ?? (item.reason === "PINNED" ? "PINNED" : "ANY_CATEGORY");
  }

  @FieldResolver(() => Float, { description: "As on the edge." })
  score(@Root() { item }: SimilarItemExplanationObject): number {
    return item.score;
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: "From 1: the item's place in the whole list, before the shop's pins are put in.",
  })
  rank(@Root() { item }: SimilarItemExplanationObject): number | null {
    return item.rank ?? null;
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: "The place it would have by the products' own vectors, before pairs of photos and diversity.",
  })
  rankBeforeReranking(@Root() { item }: SimilarItemExplanationObject): number | null {
    return item.rankBeforeReranking ?? null;
  }

  @FieldResolver(() => ProductImageObject, { nullable: true, description: "As on the edge." })
  matchedImage(@Root() { item }: SimilarItemExplanationObject, @Ctx() context: GraphqlContext) {
    return loadImage(item.matchedImageId, context);
  }

  @FieldResolver(() => ProductImageObject, { nullable: true, description: "As on the edge." })
  queryImage(@Root() { item }: SimilarItemExplanationObject, @Ctx() context: GraphqlContext) {
    return loadImage(item.queryImageId, context);
  }

  @FieldResolver(() => [String], {
    description: "The innermost category that the item and an asked product are both in; empty when there is none.",
  })
  async matchedCategory(
    @Root() explanation: SimilarItemExplanationObject,
    @Ctx() context: GraphqlContext,
  ): Promise<string[]> {
    const [item, seeds] = await loadProducts(explanation, context);
    const shared = seeds.map(({ categoryPath }) => commonStart(categoryPath, item?.categoryPath ?? []));
    return shared.reduce((longest, path) => (path.length > longest.length ? path : longest), []);
  }

  @FieldResolver(() => [ProductAttributeObject], {
    description: "Attributes with the values that the item shares with an asked product.",
  })
  async sharedAttributes(
    @Root() explanation: SimilarItemExplanationObject,
    @Ctx() context: GraphqlContext,
  ): Promise<ProductAttributeObject[]> {
    const [item, seeds] = await loadProducts(explanation, context);
    return Object.entries(item?.attributes ?? {}).flatMap(([name, own]) => {
      const values = own.filter((value) => seeds.some(({ attributes }) => attributes[name]?.includes(value)));
      return values.length > 0 ? [{ name, values }] : [];
    });
  }
}

export async function loadImage(id: bigint | undefined, context: GraphqlContext): Promise<ProductImageObject | null> {
  const row = id === undefined ? undefined : await context.loaders.image.load(id);
  return row ? showImage(row) : null;
}

async function loadProducts(
  { item, seeds }: SimilarItemExplanationObject,
  { loaders }: GraphqlContext,
): Promise<[ProductRow | undefined, ProductRow[]]> {
  const [own, ...asked] = await Promise.all([item.productId, ...seeds].map((id) => loaders.product.load(id)));
  return [own, asked.flatMap((row) => row ?? [])];
}

function commonStart(left: readonly string[], right: readonly string[]): string[] {
  const until = left.findIndex((part, at) => part !== right[at]);
  return left.slice(0, until === -1 ? left.length : until);
}
