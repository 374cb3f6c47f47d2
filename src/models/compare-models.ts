import type { Neighbour, Vectors } from "../vectors/vectors.type.js";
import { ModelNotFound } from "./model-promotion.errors.js";
import type { ModelVersions } from "./model-version.type.js";
import { topNeighbours } from "./top-neighbours.js";

/** One product's neighbours by two models. */
export interface ProductComparison {
  readonly productId: bigint;
  readonly a: readonly ComparedNeighbour[];
  readonly b: readonly ComparedNeighbour[];
  /** Neighbours that both show. */
  readonly shared: number;
}

export interface ComparedNeighbour extends Neighbour {
  /** 1 for the nearest. */
  readonly position: number;
  /** Where the other model shows it; absent: not among its ten. */
  readonly otherPosition?: number;
}

export type CompareModels = (a: number, b: number, productIds: readonly bigint[]) => Promise<ProductComparison[]>;

/**
 * Both models' ten nearest of products side by side. Products that do not exist, or that neither model has a vector of,
 * are left out.
 * @throws ModelNotFound, ModelVectorsGone
 */
export function createCompareModels({
  vectors,
  models,
}: {
  readonly vectors: Pick<Vectors, "search">;
  readonly models: Pick<ModelVersions, "find">;
}): CompareModels {
  return async (a, b, productIds) => {
    for (const id of [a, b]) if ((await models.find(id)) === undefined) throw new ModelNotFound(id);
    const ids = [...new Set(productIds)];
    if (ids.length === 0) return [];
    const [byA, byB] = await Promise.all([topNeighbours(vectors, a, ids), topNeighbours(vectors, b, ids)]);
    return ids.flatMap((productId): ProductComparison[] => {
      const [ofA, ofB] = [byA.get(productId), byB.get(productId)];
      if (ofA === undefined && ofB === undefined) return [];
      const listA = placed(ofA ?? [], ofB ?? []);
      const listB = placed(ofB ?? [], ofA ?? []);
      return [
        { productId, a: listA, b: listB, shared: listA.filter((item) => item.otherPosition !== undefined).length },
      ];
    });
  };
}

function placed(list: readonly Neighbour[], other: readonly Neighbour[]): ComparedNeighbour[] {
  const places = new Map(other.map(({ productId }, at) => [productId, at + 1]));
  return list.map(({ productId, distance }, at): ComparedNeighbour => {
    const otherPosition = places.get(productId);
    return { productId, distance, position: at + 1, ...(otherPosition === undefined ? {} : { otherPosition }) };
  });
}
