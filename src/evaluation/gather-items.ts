import type { LabelledVector } from "../vectors/vectors.type.js";
import type { EvaluationRequest } from "./evaluation.type.js";
import type { LabelReader } from "./labels.js";
import type { VectorBlock } from "./similarities.js";

export interface Query {
  readonly vector: Float32Array;
  /** The product's id, or the photo's. */
  readonly item: bigint;
  readonly productId: bigint;
  readonly label: string;
  readonly shelf: string;
  readonly cluster: string;
  /** Its own place in the gallery; −1 when it is not there. */
  readonly place: number;
}

/** The items of one evaluation. Every vector is held once, in the gallery's blocks or as a query. */
export interface Items {
  readonly queries: readonly Query[];
  readonly gallery: readonly VectorBlock[];
  readonly size: number;
  /** Places in the gallery, ascending. */
  readonly byLabel: ReadonlyMap<string, readonly number[]>;
}

/**
 * Sorts a model's vectors into those that ask and those that answer.
 * @param selected labels that take part; undefined: all, and items without any label answer too
 */
export async function gatherItems(
  batches: AsyncGenerator<LabelledVector[]>,
  request: EvaluationRequest,
  reader: LabelReader,
  selected: ReadonlySet<string> | undefined,
  signal: AbortSignal | undefined,
): Promise<Items> {
  const queries: Query[] = [];
  const gallery: VectorBlock[] = [];
  const byLabel = new Map<string, number[]>();
  let size = 0;
  for await (const read of batches) {
    signal?.throwIfAborted();
    const batch = selected === undefined ? read : read.filter((item) => selected.has(reader.label(item) ?? ""));
    const kept = batch.filter((item) => answers(item, request));
    const dims = batch[0]?.vector.length ?? 0;
    const data = new Float32Array(kept.length * dims);
    const places = new Map<LabelledVector, number>();
    for (const [row, item] of kept.entries()) {
      data.set(item.vector, row * dims);
      const place = size + row;
      places.set(item, place);
      const label = reader.label(item);
      if (label === undefined) continue;
      const known = byLabel.get(label);
      if (known === undefined) byLabel.set(label, [place]);
      else known.push(place);
    }
    for (const item of batch) {
      const label = reader.label(item);
      if (label === undefined || !asks(item, request)) continue;
      const place = places.get(item) ?? -1;
      const row = place - size;
      const vector = place < 0 ? item.vector : data.subarray(row * dims, (row + 1) * dims);
      const { productId, imageId, group } = item;
      const cluster = group ?? String(productId);
      queries.push({ vector, item: imageId ?? productId, productId, label, shelf: reader.shelf(item), cluster, place });
    }
    gallery.push({ data, rows: kept.length });
    size += kept.length;
  }
  return { queries, gallery, size, byLabel };
}

/** Names of all labels that a model's items have. */
export async function namesOf(
  batches: AsyncGenerator<LabelledVector[]>,
  reader: LabelReader,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const batch of batches) {
    signal?.throwIfAborted();
    for (const item of batch) {
      const label = reader.label(item);
      if (label !== undefined) names.add(label);
    }
  }
  return names;
}

function asks({ split: own, productId }: LabelledVector, { split, heldOut }: EvaluationRequest): boolean {
  if (heldOut !== undefined) return heldOut.asked.has(productId);
  return split === "all" || own === "TEST";
}

function answers(item: LabelledVector, request: EvaluationRequest): boolean {
  const { gallery, heldOut } = request;
  switch (gallery) {
    case "all":
      return true;
    case "same":
      return asks(item, request);
    case "train":
      return heldOut === undefined ? item.split === "TRAIN" : !heldOut.aside.has(item.productId);
  }
}
