import { Args, Ctx, Directive, FieldResolver, Query, Resolver, Root } from "type-graphql";
import { toPageInfo } from "../catalog/products/page-info.object.js";
import { ProductImageObject, ProductObject } from "../catalog/products/product.object.js";
import { showProduct } from "../catalog/products/show-product.js";
import { ModelVersionObject, showModel } from "../models/model-version.object.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import type { EmbedPicture } from "./embed-picture.js";
import { SimilarItemExplanationObject } from "./explanation.object.js";
import { loadImage } from "./explanation.resolver.js";
import {
  SimilarItemsArgs,
  SimilarItemsByImageArgs,
  SimilarItemsPageArgs,
  SimilarItemsToArgs,
} from "./similar-items.args.js";
import { SimilarItemConnectionObject, SimilarItemEdgeObject } from "./similar-items.object.js";
import type { SimilarItems, SimilarItemsPage } from "./similar-items.type.js";
import { toSimilarItemsRequest } from "./to-similar-items-request.js";

@Resolver(() => ProductObject)
export class SimilarItemsResolver {
  constructor(
    private readonly similar: SimilarItems,
    private readonly embedPicture: EmbedPicture,
    private readonly defaultCurrency: string,
  ) {}

  @Directive("@cacheControl(maxAge: 60)")
  @Query(() => SimilarItemConnectionObject, { description: "Products that look like this one, nearest first." })
  async similarItems(
    @Args(() => SimilarItemsArgs) args: SimilarItemsArgs,
    @Ctx() context: GraphqlContext,
  ): Promise<SimilarItemConnectionObject> {
    const request = toSimilarItemsRequest(args, context, this.defaultCurrency);
    return showPage(await this.similar.toProduct(args.productId, request), args, context);
  }

  @Directive("@cacheControl(maxAge: 60)")
  @Query(() => SimilarItemConnectionObject, {
    description: "Products that look like several products at once, such as a cart, and unlike others.",
  })
  async similarItemsTo(
    @Args(() => SimilarItemsToArgs) args: SimilarItemsToArgs,
    @Ctx() context: GraphqlContext,
  ): Promise<SimilarItemConnectionObject> {
    const request = toSimilarItemsRequest(args, context, this.defaultCurrency);
    const several = { like: args.productIds, notLike: args.notLike ?? [] };
    return showPage(await this.similar.toSeveral(several, request), args, context);
  }

  @Query(() => SimilarItemConnectionObject, { description: "Products that look like a picture, nearest first." })
  async similarItemsByImage(
    @Args(() => SimilarItemsByImageArgs) args: SimilarItemsByImageArgs,
    @Ctx() context: GraphqlContext,
  ): Promise<SimilarItemConnectionObject> {
    const request = toSimilarItemsRequest(args, context, this.defaultCurrency);
    const { dataUri, url } = args.image;
    const picture = { dataUri: dataUri ?? undefined, url: url ?? undefined };
    const modelId = request.options?.modelId;
    const embedded = await this.embedPicture(picture, {
      ...(request.after === undefined ? {} : { after: request.after }),
      ...(modelId === undefined ? {} : { modelId }),
      ...(request.visitor === undefined ? {} : { visitor: request.visitor }),
    });
    return showPage(await this.similar.toPicture(embedded, request), args, context);
  }

  @FieldResolver(() => SimilarItemConnectionObject, {
    name: "similarItems",
    nullable: true,
    description: "Products that look like this one, nearest first. A list of products is answered in one search.",
  })
  async similarItemsOfProduct(
    @Root() product: ProductObject,
    @Args(() => SimilarItemsPageArgs) args: SimilarItemsPageArgs,
    @Ctx() context: GraphqlContext,
  ): Promise<SimilarItemConnectionObject> {
    const request = toSimilarItemsRequest(args, context, this.defaultCurrency);
    return showPage(await context.loaders.similarItems.load({ productId: product.key, request }), args, context);
  }
}

@Resolver(() => SimilarItemConnectionObject)
export class SimilarItemConnectionResolver {
  @FieldResolver(() => ModelVersionObject, { description: "The model version that answered." })
  async model(
    @Root() connection: SimilarItemConnectionObject,
    @Ctx() context: GraphqlContext,
  ): Promise<ModelVersionObject | null> {
    const model = await context.loaders.model.load(connection.modelId);
    return model ? showModel(model) : null;
  }
}

@Resolver(() => SimilarItemEdgeObject)
export class SimilarItemEdgeResolver {
  @FieldResolver(() => ProductImageObject, {
    nullable: true,
    description: "This item's photo of the closest pair of photos.",
  })
  matchedImage(@Root() { item }: SimilarItemEdgeObject, @Ctx() context: GraphqlContext) {
    return loadImage(item.matchedImageId, context);
  }

  @FieldResolver(() => ProductImageObject, {
    nullable: true,
    description: "The asked product's photo of the closest pair of photos.",
  })
  queryImage(@Root() { item }: SimilarItemEdgeObject, @Ctx() context: GraphqlContext) {
    return loadImage(item.queryImageId, context);
  }

  @FieldResolver(() => SimilarItemExplanationObject, { description: "Why the item is in the list, and where." })
  explain(@Root() { item, seeds }: SimilarItemEdgeObject): SimilarItemExplanationObject {
    return { item, seeds };
  }
}

/** A product deleted between the search and this read is left out; the cursors of the others stand. */
async function showPage(
  page: SimilarItemsPage,
  { after }: SimilarItemsPageArgs,
  { loaders, caching }: GraphqlContext,
): Promise<SimilarItemConnectionObject> {
  if (page.status === "PENDING") caching?.forbid();
  const rows = await Promise.all(page.items.map(({ productId }) => loaders.product.load(productId)));
  const edges = page.items.flatMap((item, place): SimilarItemEdgeObject[] => {
    const row = rows[place];
    const { cursor, score, distance, reason } = item;
    return row ? [{ item, seeds: page.seeds ?? [], cursor, score, distance, reason, node: showProduct(row) }] : [];
  });
  return {
    modelId: page.modelId,
    seeds: page.seeds ?? [],
    ...(page.experiment === undefined ? {} : { experiment: page.experiment }),
    status: page.status,
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: toPageInfo(page.items, page.hasNextPage),
    totalCount: after || page.hasNextPage ? null : edges.length,
  };
}
