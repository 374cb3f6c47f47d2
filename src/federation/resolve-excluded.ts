import { formatProductId } from "../catalog/products/product-id.js";
import type { GraphqlLoaders } from "../server/graphql-context.type.js";

type Arguments = Record<string, unknown>;

/**
 * The arguments of a search with the ids of `filter.excludeIds` as ours. A shop's own server knows products by the
 * platform's ids; those that we do not have are left out, because they cannot be found anyway.
 * @throws AmbiguousProduct
 */
export async function resolveExcluded(
  args: Arguments,
  { productReference }: Pick<GraphqlLoaders, "productReference">,
): Promise<Arguments> {
  const filter = args.filter as { readonly excludeIds?: readonly string[] | null } | null | undefined;
  if (!filter?.excludeIds?.length) return args;
  const ids = await Promise.all(filter.excludeIds.map((reference) => productReference.load(reference)));
  const excludeIds = ids.filter((id) => id !== undefined).map(formatProductId);
  return { ...args, filter: { ...filter, excludeIds } };
}
