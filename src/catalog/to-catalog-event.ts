import { BadUserInput } from "../errors.js";
import type { MoneyInput, ProductInputObject } from "./catalog.input.js";
import type { Money, ProductInput } from "./catalog-event.type.js";
import { parseAmount } from "./currency-amount.js";
import { productProblem } from "./product-rules.js";

/**
 * A product of a mutation as the catalog takes it.
 * @throws BadUserInput naming the field
 */
export function toProductInput(input: ProductInputObject, source: string, defaultCurrency: string): ProductInput {
  const { price, attributes, photos, categoryPath, externalId, title, inStock, status } = input;
  const optional = {
    groupKey: input.groupKey,
    description: input.description,
    handle: input.handle,
    url: input.url,
    brand: input.brand,
    sourceUpdatedAt: input.sourceUpdatedAt,
    price: price ? toMoney(price, defaultCurrency) : undefined,
  };
  const product: ProductInput = {
    source,
    externalId,
    title,
    inStock,
    status,
    categoryPath: categoryPath ?? [],
    attributes: Object.fromEntries((attributes ?? []).map(({ name, values }) => [name, values])),
    photos: (photos ?? []).map((url) => ({ url })),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined && value !== null)),
  };
  const problem = productProblem(product);
  if (problem) throw new BadUserInput(problem.reason, [problem.field]);
  const local = product.photos.findIndex(({ url }) => !/^https?:/i.test(url));
  if (local >= 0) throw new BadUserInput("A photo must have an http(s) address.", ["photos", String(local)]);
  return product;
}

function toMoney({ amount, currency: given }: MoneyInput, defaultCurrency: string): Money {
  const currency = given ?? defaultCurrency;
  const minor = parseAmount(amount, currency);
  if (minor === undefined) {
    throw new BadUserInput(`The amount has more decimals than ${currency} has.`, ["price", "amount"]);
  }
  if (minor < 0n) throw new BadUserInput("A price cannot be negative.", ["price", "amount"]);
  return { minor, currency };
}
