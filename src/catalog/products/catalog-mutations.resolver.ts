import { Arg, Authorized, Ctx, Mutation, Resolver } from "type-graphql";
import { BadUserInput } from "../../errors.js";
import type { GraphqlContext, GraphqlLoaders } from "../../server/graphql-context.type.js";
import type { ImportRunObject } from "../import/import-run.object.js";
import {
  DeleteProductsInput,
  ImportCatalogInput,
  RefreshEmbeddingsInput,
  UpsertProductsInput,
} from "./catalog.input.js";
import type { CatalogEvent, CatalogWriteResult, CatalogWriter } from "./catalog-event.type.js";
import {
  DeleteProductsPayload,
  ImportCatalogPayload,
  ProductResultObject,
  RefreshEmbeddingsPayload,
  UpsertProductsPayload,
} from "./catalog-payload.object.js";
import { formatProductId, parseProductId } from "./product-id.js";
import type { RefreshEmbeddings } from "./refresh-embeddings.js";
import { showProduct } from "./show-product.js";
import { toProductInput } from "./to-catalog-event.js";
import { toUserError, type UserErrorObject } from "./user-error.object.js";

/** Records an import and enqueues its job. @throws BadUserInput */
export type StartImport = (input: ImportCatalogInput) => Promise<ImportRunObject>;

/** A product that somebody just changed overtakes a bulk import. */
const PRIORITY = 10;

@Resolver()
export class CatalogMutationsResolver {
  constructor(
    private readonly catalog: CatalogWriter,
    private readonly startImport: StartImport,
    private readonly refresh: RefreshEmbeddings,
    private readonly defaultCurrency: string,
  ) {}

  @Authorized("ADMIN")
  @Mutation(() => UpsertProductsPayload, {
    description: "Creates and changes products. Photos are fetched and embedded by a worker. Equal input does nothing.",
  })
  async upsertProducts(
    @Arg("input", () => UpsertProductsInput) { source, products }: UpsertProductsInput,
    @Ctx() { loaders }: GraphqlContext,
  ): Promise<UpsertProductsPayload> {
    const events: CatalogEvent[] = [];
    const userErrors: UserErrorObject[] = [];
    for (const [place, product] of products.entries()) {
      try {
        events.push({ type: "upsert", product: toProductInput(product, source, this.defaultCurrency) });
      } catch (error) {
        userErrors.push(toUserError(error, ["input", "products", String(place)]));
      }
    }
    const results = await this.catalog.apply(events, { priority: PRIORITY });
    return { results: await showResults(results, loaders), userErrors };
  }

  @Authorized("ADMIN")
  @Mutation(() => DeleteProductsPayload, { description: "Takes products out of the catalog and out of every answer." })
  async deleteProducts(
    @Arg("input", () => DeleteProductsInput) { source, externalIds, ids }: DeleteProductsInput,
    @Ctx() { loaders }: GraphqlContext,
  ): Promise<DeleteProductsPayload> {
    const userErrors: UserErrorObject[] = [];
    const events: CatalogEvent[] = (externalIds ?? []).map((externalId) => ({ type: "delete", source, externalId }));
    for (const [place, id] of (ids ?? []).entries()) {
      const key = parseProductId(id);
      const row = key === undefined ? undefined : await loaders.product.load(key);
      if (row) events.push({ type: "delete", source: row.source, externalId: row.externalId });
      else {
        const field = ["input", "ids", String(place)];
        userErrors.push({ field, message: "There is no product with this id.", code: "PRODUCT_NOT_FOUND" });
      }
    }
    if (events.length === 0 && userErrors.length === 0) {
      const nothing = new BadUserInput("Name the products in externalIds, in ids, or in both.");
      userErrors.push(toUserError(nothing, ["input"]));
    }
    const results = await this.catalog.apply(events, { priority: PRIORITY });
    return { results: await showResults(results, loaders), userErrors };
  }

  @Authorized("ADMIN")
  @Mutation(() => ImportCatalogPayload, { description: "Has a worker read a feed from an http(s) address." })
  async importCatalog(
    @Arg("input", () => ImportCatalogInput) input: ImportCatalogInput,
  ): Promise<ImportCatalogPayload> {
    try {
      return { importRun: await this.startImport(input), userErrors: [] };
    } catch (error) {
      return { importRun: null, userErrors: [toUserError(error, ["input"])] };
    }
  }

  @Authorized("ADMIN")
  @Mutation(() => RefreshEmbeddingsPayload, {
    description: "Has workers fetch and embed what is missing. What is there already is not made again.",
  })
  async refreshEmbeddings(
    @Arg("input", () => RefreshEmbeddingsInput, { nullable: true }) input: RefreshEmbeddingsInput | null | undefined,
  ): Promise<RefreshEmbeddingsPayload> {
    const userErrors: UserErrorObject[] = [];
    const productIds = input?.ids?.flatMap((id, place) => {
      const key = parseProductId(id);
      if (key !== undefined) return [key];
      const field = ["input", "ids", String(place)];
      userErrors.push({ field, message: "Our ids look like prod_42.", code: "PRODUCT_NOT_FOUND" });
      return [];
    });
    const queued = await this.refresh({
      retryFailed: input?.retryFailed ?? false,
      ...(productIds ? { productIds } : {}),
    });
    return { ...queued, userErrors };
  }
}

async function showResults(
  results: readonly CatalogWriteResult[],
  { product }: GraphqlLoaders,
): Promise<ProductResultObject[]> {
  for (const { productId } of results) if (productId !== undefined) product.clear(productId);
  return Promise.all(
    results.map(async ({ externalId, outcome, productId }) => {
      const row = productId === undefined ? undefined : await product.load(productId);
      return {
        externalId,
        outcome,
        productId: productId === undefined ? null : formatProductId(productId),
        product: row ? showProduct(row) : null,
      };
    }),
  );
}
