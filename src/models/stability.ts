import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.type.js";
import type { Vectors } from "../vectors/vectors.type.js";
import { TOP, topNeighbours } from "./top-neighbours.js";

/** How much the answers of one model differ from those of the one that it would replace. */
export interface StabilityReport {
  /** The model compared with. */
  readonly modelId: number;
  /** Products looked at, drawn at random; those without a vector of both models are left out. */
  readonly products: number;
  /** Those of which at least one of the ten nearest is another one. */
  readonly changed: number;
  /** Mean share of the ten nearest that stayed, 0 … 1. */
  readonly meanOverlap: number;
  /** The products that changed most. Ids are decimal text. */
  readonly examples: readonly StabilityExample[];
  readonly seconds: number;
}

export interface StabilityExample {
  readonly productId: string;
  readonly overlap: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const MOST_PRODUCTS = 1000;
const EXAMPLES = 10;
/** A shop waits for its new model; ±3 % are known from 1,000 products, ±5 % from 400. */
const LONGEST_MS = 20_000;
/** Products of one statement, and how long the database is left alone after it, as a share of the time it took. */
const PACES = { postgres: { products: 20, rest: 0.5 }, embedded: { products: 1, rest: 1 } } as const;

/** Compares the answers of two models for a sample of published products. @throws ModelVectorsGone */
export async function compareAnswers(
  { database, vectors }: { readonly database: Database; readonly vectors: Pick<Vectors, "search"> },
  modelId: number,
  liveId: number,
  signal?: AbortSignal,
): Promise<StabilityReport> {
  const startedAt = performance.now();
  const pace = PACES[database.kind];
  // By a hash of the id: the same products each time, from all over the catalog.
  const sample = await database.query<{ id: bigint }>(
    `SELECT id FROM product WHERE status = 'ACTIVE' AND deleted_at IS NULL
     ORDER BY md5(id::text) LIMIT ${MOST_PRODUCTS}`,
  );
  const compared: StabilityExample[] = [];
  for (let at = 0; at < sample.length; at += pace.products) {
    signal?.throwIfAborted();
    const partAt = performance.now();
    if (partAt - startedAt > LONGEST_MS) break;
    const ids = sample.slice(at, at + pace.products).map(({ id }) => id);
    const before = await topNeighbours(vectors, liveId, ids);
    const after = await topNeighbours(vectors, modelId, ids);
    for (const id of ids) {
      const [old, now] = [before.get(id), after.get(id)];
      if (old !== undefined && now !== undefined) compared.push(compare(id, idsOf(old), idsOf(now)));
    }
    await delay((performance.now() - partAt) * pace.rest, undefined, { ...(signal === undefined ? {} : { signal }) });
  }
  const overlaps = compared.reduce((sum, { overlap }) => sum + overlap, 0);
  return {
    modelId: liveId,
    products: compared.length,
    changed: compared.filter(({ overlap }) => overlap < 1).length,
    meanOverlap: compared.length === 0 ? 1 : overlaps / compared.length,
    examples: compared
      .filter(({ overlap }) => overlap < 1)
      .sort((one, other) => one.overlap - other.overlap)
      .slice(0, EXAMPLES),
    seconds: (performance.now() - startedAt) / 1000,
  };
}

function idsOf(neighbours: readonly { readonly productId: bigint }[]): string[] {
  return neighbours.map(({ productId }) => String(productId));
}

/** Share of the longer list that is in both; two empty lists agree. */
function compare(productId: bigint, before: readonly string[], after: readonly string[]): StabilityExample {
  const longer = Math.min(TOP, Math.max(before.length, after.length));
  const kept = after.filter((id) => before.includes(id)).length;
  return { productId: String(productId), overlap: longer === 0 ? 1 : kept / longer, before, after };
}
