import DataLoader from "dataloader";
import type { ProductReads } from "../catalog/products/product-reads.type.js";
import type { ModelVersions } from "../models/model-version.type.js";
import type { SimilarItems, SimilarItemsPage } from "../similar/similar-items.type.js";
import type { GraphqlLoaders, SimilarItemsOfProduct } from "./graphql-context.type.js";

export interface LoaderSources {
  readonly products: ProductReads;
  readonly models: Pick<ModelVersions, "find">;
  readonly similar: Pick<SimilarItems, "toProducts">;
  /** Published products by what another server calls them; in the order asked, an error for one that is ambiguous. */
  readonly findReferences: (references: readonly string[]) => Promise<(bigint | Error | undefined)[]>;
}

/** Fresh loaders for one request: what it reads twice is read once, what it reads of a list is read together. */
export function createGraphqlLoaders({ products, models, similar, findReferences }: LoaderSources): GraphqlLoaders {
  return {
    product: new DataLoader(async (ids) => inOrder(ids, await products.byIds(ids))),
    imagesOfProduct: new DataLoader(async (ids) => {
      const found = await products.imagesOf(ids);
      return ids.map((id) => found.get(id) ?? []);
    }),
    image: new DataLoader(async (ids) => inOrder(ids, await products.imagesByIds(ids))),
    model: new DataLoader((ids) => Promise.all(ids.map((id) => models.find(id)))),
    productReference: new DataLoader(findReferences),
    similarItems: new DataLoader((keys) => loadSimilarItems(similar, keys), { cacheKeyFn: (key) => keyOf(key) }),
  };
}

/** One search for all products that are asked the same question; aliases may ask several. */
async function loadSimilarItems(
  similar: LoaderSources["similar"],
  keys: readonly SimilarItemsOfProduct[],
): Promise<(SimilarItemsPage | Error)[]> {
  const questions = new Map<string, SimilarItemsOfProduct[]>();
  for (const key of keys) {
    const question = serialise(key.request);
    questions.set(question, [...(questions.get(question) ?? []), key]);
  }
  const answers = new Map<string, SimilarItemsPage>();
  const failures = new Map<string, Error>();
  await Promise.all(
    [...questions].map(async ([question, asked]) => {
      try {
        const pages = await similar.toProducts(
          asked.map(({ productId }) => productId),
          asked[0]!.request,
        );
        for (const key of asked) {
          const page = pages.get(key.productId);
          if (page) answers.set(keyOf(key), page);
        }
      } catch (error) {
        failures.set(question, error instanceof Error ? error : new Error(String(error)));
      }
    }),
  );
  return keys.map((key) => {
    const answer = answers.get(keyOf(key)) ?? failures.get(serialise(key.request));
    return answer ?? new Error(`No answer for product ${key.productId}.`);
  });
}

function inOrder<Key, Value>(keys: readonly Key[], found: ReadonlyMap<Key, Value>): (Value | undefined)[] {
  return keys.map((key) => found.get(key));
}

function keyOf({ productId, request }: SimilarItemsOfProduct): string {
  return `${productId} ${serialise(request)}`;
}

function serialise(request: SimilarItemsOfProduct["request"]): string {
  return JSON.stringify(request, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}
