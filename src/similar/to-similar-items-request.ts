import { parseAmount } from "../catalog/products/currency-amount.js";
import { parseProductId } from "../catalog/products/product-id.js";
import { BadUserInput } from "../errors.js";
import { parseModelId } from "../models/model-version.object.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import type { NeighbourFilter } from "../vectors/vectors.type.js";
import { assertAdministrator } from "../viewer.js";
import type { SimilarItemsPageArgs } from "./similar-items.args.js";
import type {
  PriceRangeInput,
  RelativePriceInput,
  SimilarItemsFilterInput,
  SimilarItemsOptionsInput,
} from "./similar-items.input.js";
import type { SimilarItemsOptions, SimilarItemsRequest } from "./similar-items.type.js";

/**
 * The arguments as the similar stage takes them. Shoppers are shown what is published, whatever they ask for.
 * @throws BadUserInput; Unauthenticated or Forbidden when a shopper chooses another model than the active one
 */
export function toSimilarItemsRequest(
  args: SimilarItemsPageArgs,
  context: GraphqlContext,
  defaultCurrency: string,
): SimilarItemsRequest {
  const { viewer } = context;
  const visitor = args.visitor ?? context.visitor;
  // What a header chose is kept by nobody: caches know answers by their address.
  if (!args.visitor && visitor !== undefined) context.caching?.forbid();
  if (args.options?.modelId) assertAdministrator(viewer, "Choosing the model");
  return {
    first: args.first,
    publishedOnly: viewer.role !== "admin",
    ...(args.after ? { after: args.after } : {}),
    ...(visitor ? { visitor } : {}),
    filter: toFilter(args.filter ?? {}, defaultCurrency),
    ...(args.options ? { options: toOptions(args.options) } : {}),
  };
}

function toOptions({ modelId, minScore, diversity, ...rest }: SimilarItemsOptionsInput): SimilarItemsOptions {
  const model = modelId ? parseModelId(modelId) : undefined;
  if (modelId && model === undefined) {
    throw new BadUserInput("modelId must be a model version's id.", ["options", "modelId"]);
  }
  const score = typeof minScore === "number" ? { minScore } : {};
  const order = typeof diversity === "number" ? { diversity } : {};
  return { ...rest, ...score, ...order, ...(model === undefined ? {} : { modelId: model }) };
}

function toFilter(filter: Partial<SimilarItemsFilterInput>, defaultCurrency: string): NeighbourFilter {
  const { category, brand, price, inStock, channel, attributes, excludeIds } = filter;
  const { relative, ...absolute } = price ?? {};
  const asked = Object.values(absolute).some((value) => value !== undefined && value !== null);
  return {
    statuses: ["ACTIVE"],
    ...(category ? { categories: category } : {}),
    ...(brand ? { brands: brand } : {}),
    ...(price && (asked || !relative) ? { price: toPrice(price, defaultCurrency) } : {}),
    ...(relative ? { relativePrice: toRelativePrice(relative) } : {}),
    ...(typeof inStock === "boolean" ? { inStock } : {}),
    ...(channel ? { channel } : {}),
    ...(attributes ? { attributes } : {}),
    ...(excludeIds ? { excludeProductIds: excludeIds.map(toExcluded) } : {}),
  };
}

function toPrice(range: PriceRangeInput, defaultCurrency: string): NonNullable<NeighbourFilter["price"]> {
  const currency = range.currency ?? defaultCurrency;
  const minor = (side: "min" | "max"): bigint | undefined => {
    const amount = range[side];
    if (amount === undefined || amount === null) return undefined;
    return parseAmount(amount, currency, ["filter", "price", side]).minor;
  };
  const minMinor = minor("min");
  const maxMinor = minor("max");
  return {
    currency,
    ...(minMinor === undefined ? {} : { minMinor }),
    ...(maxMinor === undefined ? {} : { maxMinor }),
  };
}

function toRelativePrice({ min, max }: RelativePriceInput): NonNullable<NeighbourFilter["relativePrice"]> {
  return { ...(typeof min === "number" ? { min } : {}), ...(typeof max === "number" ? { max } : {}) };
}

function toExcluded(id: string, place: number): bigint {
  const found = parseProductId(id);
  if (found !== undefined) return found;
  throw new BadUserInput("excludeIds takes our ids, such as prod_42.", ["filter", "excludeIds", String(place)]);
}
