import { Arg, Args, Ctx, Directive, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";
import { BadUserInput } from "../../errors.js";
import type { GraphqlContext } from "../../server/graphql-context.type.js";
import { assertAdministrator } from "../../viewer.js";
import { ProductsArgs } from "./catalog.args.js";
import { toPageInfo } from "./page-info.object.js";
import { ProductConnectionObject, ProductImageObject, ProductObject } from "./product.object.js";
import type { ProductReads, ProductsCondition } from "./product-reads.type.js";
import { showImage, showProduct } from "./show-product.js";

/** Finds a product by our id or by its source's own. @throws AmbiguousProduct */
export type FindProductId = (reference: string) => Promise<bigint | undefined>;

@Resolver(() => ProductObject)
export class ProductResolver {
  constructor(
    private readonly reads: ProductReads,
    private readonly findProductId: FindProductId,
  ) {}

  @Directive("@cacheControl(maxAge: 60)")
  @Query(() => ProductObject, {
    nullable: true,
    description: "One product by our id (`prod_42`) or by its source's own; null when there is none.",
  })
  async product(@Arg("id", () => ID) id: string, @Ctx() context: GraphqlContext): Promise<ProductObject | null> {
    const key = await this.findProductId(id);
    const row = key === undefined ? undefined : await context.loaders.product.load(key);
    if (!row || (row.status !== "ACTIVE" && context.viewer.role !== "admin")) return null;
    return showProduct(row);
  }

  @Directive("@cacheControl(maxAge: 60)")
  @Query(() => ProductConnectionObject, { description: "Products of the catalog, oldest first." })
  async products(
    @Args(() => ProductsArgs) args: ProductsArgs,
    @Ctx() context: GraphqlContext,
  ): Promise<ProductConnectionObject> {
    const condition = toCondition(args, context);
    const rows = await this.reads.page(condition, parseCursor(args.after ?? undefined), args.first + 1);
    const edges = rows.slice(0, args.first).map((row) => {
      context.loaders.product.prime(row.id, row);
      return { cursor: formatCursor(row.id), node: showProduct(row) };
    });
    return {
      edges,
      nodes: edges.map(({ node }) => node),
      pageInfo: toPageInfo(edges, rows.length > args.first),
      condition,
    };
  }

  @FieldResolver(() => [ProductImageObject], { description: "In the order shown; the first is the main photo." })
  async images(@Root() product: ProductObject, @Ctx() context: GraphqlContext): Promise<ProductImageObject[]> {
    return (await context.loaders.imagesOfProduct.load(product.key)).map(showImage);
  }
}

@Resolver(() => ProductConnectionObject)
export class ProductConnectionResolver {
  constructor(private readonly reads: ProductReads) {}

  @FieldResolver(() => Int, { description: "Products on all pages. Counted only when asked for." })
  totalCount(@Root() connection: ProductConnectionObject): Promise<number> {
    return this.reads.count(connection.condition);
  }
}

/** @throws Unauthenticated or Forbidden when a shopper asks for what is not published */
function toCondition({ filter }: ProductsArgs, { viewer }: GraphqlContext): ProductsCondition {
  const isAdmin = viewer.role === "admin";
  if (!isAdmin && filter?.status && filter.status !== "ACTIVE") {
    assertAdministrator(viewer, `Listing ${filter.status} products`);
  }
  const status = isAdmin ? filter?.status : "ACTIVE";
  const given = {
    source: filter?.source,
    category: filter?.category,
    brand: filter?.brand,
    inStock: filter?.inStock,
    title: filter?.title,
    status,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
}

function formatCursor(id: bigint): string {
  return Buffer.from(`product:${id}`).toString("base64url");
}

/** @throws BadUserInput */
function parseCursor(cursor: string | undefined): bigint | undefined {
  if (cursor === undefined) return undefined;
  const digits = /^product:(\d{1,18})$/.exec(Buffer.from(cursor, "base64url").toString("latin1"))?.[1];
  if (digits === undefined) throw new BadUserInput("after is not a cursor of this list.", ["after"]);
  return BigInt(digits);
}
