import type { Neighbour, SearchWindow, Vectors } from "../vectors/vectors.type.js";

/** Neighbours that count: what a shopper sees of a product's page. */
export const TOP = 10;

/** What a product's page shows by default: of its category, one of a group, by the closest pair of photos. */
const AS_SHOWN = { filter: {}, sameCategory: true as boolean, oneOfGroup: true, match: "BEST_IMAGE" } as const;

/**
 * The ten nearest of each product by one model, as `similarItems` shows them. Products without a vector of the model
 * are left out.
 * @throws ModelVectorsGone
 */
export async function topNeighbours(
  { search }: Pick<Vectors, "search">,
  modelId: number,
  productIds: readonly bigint[],
  { sameCategory = AS_SHOWN.sameCategory }: { readonly sameCategory?: boolean } = {},
): Promise<Map<bigint, readonly Neighbour[]>> {
  const found = new Map<bigint, readonly Neighbour[]>();
  const look = async (ids: readonly bigint[], scan: "auto" | "exact"): Promise<SearchWindow[]> => {
    const seeds = { by: "product", ids } as const;
    return (await search.windows({ ...AS_SHOWN, sameCategory, modelId, seeds, limit: TOP, scan })).windows;
  };
  const uncertain: bigint[] = [];
  for (const window of await look(productIds, "auto")) {
    const { productId, embedded } = window.seed;
    if (productId === undefined || !embedded) continue;
    if (window.complete) found.set(productId, window.items);
    else uncertain.push(productId);
  }
  if (uncertain.length > 0) {
    for (const { seed, items } of await look(uncertain, "exact")) {
      if (seed.productId !== undefined) found.set(seed.productId, items);
    }
  }
  return found;
}
