/**
 * An order in which what comes next is near the query and unlike what came before: Maximal Marginal Relevance (Carbonell
 * and Goldstein, 1998), λ · similarity to the query − (1 − λ) · greatest similarity to an item above. The nearest stays
 * first. Ties keep the given order, so that the same items always come in the same order.
 * @param similarities of the items to the query (cosine), nearest first
 * @param vectors of unit length, one an item; an item without one is like nothing
 * @param diversity 1 − λ: 0 leaves the order, 1 looks at nothing but the unlikeness
 * @returns the items' places in the new order
 */
export function diversify(
  similarities: readonly number[],
  vectors: readonly (Float32Array | undefined)[],
  diversity: number,
): number[] {
  const left = similarities.map((_, item) => item);
  const likeness = new Float64Array(similarities.length).fill(-1);
  const order: number[] = [];
  while (left.length > 0) {
    let best = 0;
    for (let at = 1; order.length > 0 && at < left.length; at++) {
      if (worth(left[at]!) > worth(left[best]!)) best = at;
    }
    const [item] = left.splice(best, 1);
    order.push(item!);
    for (const other of left) likeness[other] = Math.max(likeness[other]!, product(vectors[item!], vectors[other]));
  }
  return order;

  function worth(item: number): number {
    return (1 - diversity) * similarities[item]! - diversity * likeness[item]!;
  }
}

function product(left: Float32Array | undefined, right: Float32Array | undefined): number {
  if (left === undefined || right === undefined) return -1;
  let sum = 0;
  for (let at = 0; at < left.length; at++) sum += left[at]! * right[at]!;
  return sum;
}
