import type { FeedEntry, FeedRow, RowProblem } from "../feeds/feed-entry.type.js";
import type { ProductInput } from "../products/catalog-event.type.js";
import { addProblem, addProduct, emptyBatch, type ImportBatch, isFull } from "./import-batch.js";
import type { SeenKeys } from "./seen-keys.js";

/** Which products a feed has named so far. */
export interface RowsSeen {
  readonly good: SeenKeys;
  /** Named by a row that is left out: such a product is not absent either. */
  readonly bad: SeenKeys;
  /** A row had no readable id. */
  uncertain: boolean;
}

export interface ReadBatchesOptions {
  readonly source: string;
  readonly normalise: (row: FeedRow) => ProductInput | RowProblem;
  readonly seen: RowsSeen;
  /** A batch ends at this row, where an earlier attempt stopped counting. */
  readonly boundary: number;
  readonly signal?: AbortSignal;
}

/**
 * Gathers a feed's rows into batches, each row a product or a problem; the second row with an id is a problem.
 * @throws what the reader throws, after the batch that was read until then
 */
export async function* readBatches(
  entries: AsyncIterable<FeedEntry>,
  { source, normalise, seen, boundary, signal }: ReadBatchesOptions,
): AsyncGenerator<ImportBatch> {
  let batch = emptyBatch();
  let rows = 0;
  const refuse = (line: number, problem: RowProblem): void => {
    if (problem.externalId === undefined) seen.uncertain = true;
    else seen.bad.add(problem.externalId);
    addProblem(batch, { line, ...problem, kind: "row" });
  };
  const failure = { error: undefined as unknown, happened: false };
  const reader = entries[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await reader.next().catch((error: unknown) => {
        failure.error = error;
        failure.happened = true;
        return { done: true as const, value: undefined };
      });
      if (next.done) break;
      signal?.throwIfAborted();
      const entry = next.value;
      const { line } = entry;
      const product = toProduct(entry, source, normalise);
      if ("code" in product) refuse(line, product);
      else if (seen.good.add(product.externalId)) addProduct(batch, line, product);
      else {
        const reason = "An earlier row has the same id; this one is left out.";
        refuse(line, { code: "DUPLICATE_ID", reason, externalId: product.externalId });
      }
      rows += 1;
      if (isFull(batch) || rows === boundary) {
        yield batch;
        batch = emptyBatch();
      }
    }
  } finally {
    await reader.return?.();
  }
  signal?.throwIfAborted();
  if (batch.rows > 0) yield batch;
  if (failure.happened) throw failure.error;
}

function toProduct(
  entry: FeedEntry,
  source: string,
  normalise: ReadBatchesOptions["normalise"],
): ProductInput | RowProblem {
  if ("problem" in entry) return entry.problem;
  return "product" in entry ? { source, ...entry.product } : normalise(entry.row);
}
