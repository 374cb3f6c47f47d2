import type { ProductStatus } from "../catalog/products/catalog-event.type.js";
import type { Database } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import type { Ring } from "./category-guard.js";
import { partitionsOf } from "./partitions.js";
import type { NeighbourFilter } from "./vectors.type.js";

/** Rows kept of each indexed model: an estimated share of 25 % is then right to ±3 %. */
const SAMPLE = 2000;
const FRESH_MS = 60_000;
/** Below this share of the products an HNSW scan loses neighbours, and at a tenth of it it is slower too. */
const HNSW_FROM_SHARE = 0.25;

/** The filter columns of one product. */
export interface SampleRow {
  readonly category_path: string[];
  readonly brand: string | null;
  readonly price_minor: bigint | null;
  readonly currency: string | null;
  readonly in_stock: boolean;
  readonly status: ProductStatus;
  readonly attributes: Record<string, readonly string[]>;
}

/** How one search is to be made: the whole of it, or according to the seed's category. */
export type ScanChoice =
  | { readonly scan: "exact" | "hnsw" }
  /**
   * HNSW for seeds of one of these categories (paths joined by U+001F), exact for others. At a step outwards also exact
   * after one of the `filling`, which leave too little of the category around them.
   */
  | { readonly scan: "by-category"; readonly broad: readonly string[]; readonly filling: readonly string[] };

export interface Selectivity {
  /**
   * Chooses by the share of the products that the filter leaves. Exact for a model without an HNSW index.
   * @param ring where it looks, if that is known
   */
  choose(modelId: number, filter: NeighbourFilter, sameCategory: boolean, ring?: Ring): Promise<ScanChoice>;
  /** Forgets what is known of a model, because its index changed. */
  forget(modelId: number): void;
}

export const PATH_SEPARATOR = "\u001f";

/**
 * Estimates from a sample of rows kept in memory rather than from the planner, which takes the columns for
 * independent, guesses ranges of arrays at 0.5 %, and would cost a round trip. Renewed in the background once a minute.
 */
export function createSelectivity(database: Database, logger: Logger): Selectivity {
  const known = new Map<number, Sample>();

  async function load(modelId: number): Promise<SampleRow[]> {
    if (database.kind === "embedded") return [];
    const { product, index } = partitionsOf(modelId);
    const [state] = await database.query<{ indexed: boolean; products: number }>(
      `SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($2) AND indisvalid) AS indexed,
              (SELECT reltuples FROM pg_class WHERE oid = to_regclass($1)) AS products`,
      [product, `vectors.${index}`],
    );
    if (!state?.indexed) return [];
    const percent = Math.min(100, (100 * SAMPLE) / Math.max(1, state.products));
    return database.query<SampleRow>(
      `SELECT v.category_path, v.brand, v.price_minor, v.currency, v.in_stock, v.status, p.attributes
       FROM ${product} v TABLESAMPLE SYSTEM ($1) JOIN product p ON p.id = v.product_id`,
      [percent],
    );
  }

  async function sampleOf(modelId: number): Promise<Sample> {
    const entry = known.get(modelId);
    if (entry === undefined) {
      const sample = newSample(await load(modelId));
      known.set(modelId, sample);
      return sample;
    }
    if (!entry.loading && Date.now() - entry.loadedAt > FRESH_MS) {
      entry.loading = true;
      load(modelId).then(
        (rows) => known.set(modelId, newSample(rows)),
        (error: unknown) => {
          known.set(modelId, { ...entry, loadedAt: Date.now(), loading: false });
          logger.warn({ modelId, reason: String(error) }, "the sample of filter columns could not be renewed");
        },
      );
    }
    return entry;
  }

  return {
    async choose(modelId, filter, sameCategory, ring) {
      const { rows, choices } = await sampleOf(modelId);
      if (rows.length === 0) return { scan: "exact" };
      const question = questionOf(filter, sameCategory, ring);
      const known = choices.get(question);
      if (known !== undefined) return known;
      const choice = chooseBy(rows, filter, sameCategory, ring);
      if (choices.size < MOST_CHOICES) choices.set(question, choice);
      return choice;
    },
    forget(modelId) {
      known.delete(modelId);
    },
  };
}

interface Sample {
  readonly rows: readonly SampleRow[];
  /** Going through the rows takes up to a millisecond, and storefronts ask with few different filters. */
  readonly choices: Map<string, ScanChoice>;
  readonly loadedAt: number;
  loading: boolean;
}

const MOST_CHOICES = 1000;

function newSample(rows: readonly SampleRow[]): Sample {
  return { rows, choices: new Map(), loadedAt: Date.now(), loading: false };
}

function questionOf(
  { excludeProductIds: _, excludeGroups: __, ...filter }: NeighbourFilter,
  guarded: boolean,
  ring: Ring | undefined,
): string {
  return JSON.stringify([guarded, filter, ring], (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
}

function chooseBy(
  rows: readonly SampleRow[],
  filter: NeighbourFilter,
  sameCategory: boolean,
  ring: Ring | undefined,
): ScanChoice {
  const matching = rows.filter((row) => matches(row, filter) && (ring === undefined || isIn(row.category_path, ring)));
  const enough = (rows.length * HNSW_FROM_SHARE) / shareNearPrice(rows, filter.relativePrice);
  if (matching.length < enough) return { scan: "exact" };
  if (!sameCategory) return { scan: "hnsw" };
  const counts = countCategories(matching);
  const broad = [...counts].filter(([, count]) => count >= enough).map(([key]) => key);
  if (broad.length === 0) return { scan: "exact" };
  const filling = [...counts.keys()].filter((key) => {
    const around = key.split(PATH_SEPARATOR).slice(0, -1).join(PATH_SEPARATOR);
    return broad.includes(around) && counts.get(around)! - counts.get(key)! < enough;
  });
  return { scan: "by-category", broad, filling };
}

/** Products in each category, at any depth; "" is where a seed without a category looks: everywhere. */
function countCategories(rows: readonly SampleRow[]): Map<string, number> {
  const counts = new Map<string, number>([["", rows.length]]);
  for (const { category_path: path } of rows) {
    for (let depth = 1; depth <= path.length; depth++) {
      const key = path.slice(0, depth).join(PATH_SEPARATOR);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function isIn(path: readonly string[], { within, beyond }: Ring): boolean {
  const below = (start: readonly string[]): boolean => start.every((part, at) => path[at] === part);
  return within.some(below) && !beyond.some(below);
}

/** Share of the products that are priced near another one, on average: which one the seed is, only the statement knows. */
function shareNearPrice(rows: readonly SampleRow[], range: NeighbourFilter["relativePrice"]): number {
  if (range === undefined || rows.length === 0) return 1;
  const { min = 0, max = Number.POSITIVE_INFINITY } = range;
  let share = 0;
  for (const currency of new Set(rows.map((row) => row.currency))) {
    const prices = Float64Array.from(
      rows.filter((row) => row.currency === currency && row.price_minor !== null).map((row) => Number(row.price_minor)),
    ).sort();
    for (const price of prices)
      share += (countUntil(prices, price * max) - countBelow(prices, price * min)) / rows.length;
  }
  // Without a price nothing is asked of the price.
  const unpriced = rows.filter((row) => row.price_minor === null).length;
  return Math.max((share + unpriced) / rows.length, 1 / rows.length);
}

const countBelow = (ascending: Float64Array, price: number): number => position(ascending, (value) => value < price);
const countUntil = (ascending: Float64Array, price: number): number => position(ascending, (value) => value <= price);

/** How many from the front hold, by halving. */
function position(ascending: Float64Array, holds: (value: number) => boolean): number {
  let [from, until] = [0, ascending.length];
  while (from < until) {
    const middle = (from + until) >> 1;
    if (holds(ascending[middle]!)) from = middle + 1;
    else until = middle;
  }
  return from;
}

/** Whether a filter leaves a product; excluded ids and groups are too few to matter here. */
export function matches(row: SampleRow, filter: NeighbourFilter): boolean {
  const { categories = [], brands = [], price, inStock, channel, attributes = [], statuses = [] } = filter;
  return (
    (statuses.length === 0 ? row.status === "ACTIVE" : statuses.includes(row.status)) &&
    (categories.length === 0 || categories.some((path) => path.every((part, at) => row.category_path[at] === part))) &&
    (brands.length === 0 || (row.brand !== null && brands.includes(row.brand))) &&
    (price === undefined ||
      (row.currency === price.currency &&
        row.price_minor !== null &&
        row.price_minor >= (price.minMinor ?? row.price_minor) &&
        row.price_minor <= (price.maxMinor ?? row.price_minor))) &&
    (inStock === undefined || row.in_stock === inStock) &&
    (channel === undefined || !row.attributes.channel?.length || row.attributes.channel.includes(channel)) &&
    attributes.every(
      ({ name, values }) =>
        values.length === 0 || values.some((value) => row.attributes[name]?.includes(value) ?? false),
    )
  );
}
