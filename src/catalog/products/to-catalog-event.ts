import { validateSync } from "class-validator";
import { BadUserInput } from "../../errors.js";
import { toBadUserInput } from "../../input-problems.js";
import type { ProductInputObject } from "./catalog.input.js";
import type { ProductInput } from "./catalog-event.type.js";
import { parseAmount } from "./currency-amount.js";
import { productProblem } from "./product-rules.js";

/**
 * A product of a mutation as the catalog takes it.
 * @throws BadUserInput naming the field
 */
export function toProductInput(input: ProductInputObject, source: string, defaultCurrency: string): ProductInput {
  const problems = validateSync(input, {
    forbidUnknownValues: false,
    validationError: { target: false, value: false },
  });
  if (problems.length > 0) throw toBadUserInput(problems);
  const { price, attributes, photos, categoryPath, externalId, title, inStock, status } = input;
  const optional = {
    groupKey: input.groupKey,
    description: input.description,
    handle: input.handle,
    url: input.url,
    brand: input.brand,
    sourceUpdatedAt: input.sourceUpdatedAt,
    price: price ? parseAmount(price.amount, price.currency ?? defaultCurrency, ["price"]) : undefined,
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
