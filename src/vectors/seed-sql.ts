import type { Database } from "../database/database.type.js";
import { oneOf, type Parameters } from "./parameters.js";
import { partitionsOf } from "./partitions.js";
import { scopedGroup } from "./product-vectors.repository.js";
import { PATH_SEPARATOR, type ScanChoice } from "./selectivity.js";
import { encodeVector } from "./vector-format.js";
import type { NeighbourFilter, Seeds } from "./vectors.type.js";

const EF_SEARCH = 100;

/** Least array in collation C that no category path reaches. */
const AFTER_ALL_PATHS = "ARRAY[chr(1114111)]";
const MOST_MINOR = 2n ** 63n - 1n;

export interface SearchedModel {
  readonly id: number;
  readonly dims: number;
}

export interface SeedQuestion {
  readonly seeds: Seeds;
  /** Steps outwards from a product's category. */
  readonly level: number;
  readonly relativePrice: NeighbourFilter["relativePrice"];
}

/**
 * The seeds: what they are, where they look, and their vectors. On Postgres the settings of the HNSW scan are made here,
 * because then they cost no round trip: a CTE runs before the scan that needs its vector, and they end with the statement.
 */
export function seedQuery(
  question: SeedQuestion,
  model: SearchedModel,
  choice: ScanChoice,
  kind: Database["kind"],
  parameters: Parameters,
): string {
  const { seeds } = question;
  const settings =
    kind === "embedded" || choice.scan === "exact"
      ? ""
      : `, set_config('hnsw.ef_search', '${EF_SEARCH}', true) AS ef_search,
           set_config('hnsw.iterative_scan', 'strict_order', true) AS iterative_scan`;
  if (seeds.by === "picture" || seeds.by === "blend") {
    const vec = seeds.vector === undefined ? "NULL::vector" : `${parameters.bind(encodeVector(seeds.vector))}::vector`;
    return `SELECT NULL::bigint AS product_id, '{}'::text[] AS sources, '{}'::text[] AS category_path,
             NULL::text AS group_key, ${kind === "postgres" ? `${vec}::halfvec` : vec} AS vec,
             '{}'::bigint[] AS image_ids, '{}'::bigint[] AS blob_ids,
             ${choice.scan !== "exact"} AS broad${blendPrice(question, parameters)}${settings}`;
  }
  const wanted =
    seeds.by === "product"
      ? oneOf("p.id", seeds.ids, "bigint", parameters)
      : oneOf("p.external_id", seeds.ids, "text", parameters);
  const sources = seeds.by === "product" ? "ARRAY[p.source]" : "array_agg(p.source) OVER ()";
  const { within, beyond } = ringColumns(question.level, parameters);
  return `SELECT p.id AS product_id, ${sources} AS sources, coalesce(p.category_path, '{}') AS category_path,
           ${within.path} AS within_path, ${within.until} AS within_until,
           ${beyond === undefined ? "" : `${beyond.path} AS beyond_path, ${beyond.until} AS beyond_until,`}
           ${scopedGroup("p")} AS group_key, v.vec, v.image_ids, v.blob_ids,
           ${broad(choice, within.path, beyond?.path, parameters)} AS broad${productPrice(question, parameters)}${settings}
         FROM product p
         LEFT JOIN ${partitionsOf(model.id).product} v ON v.product_id = p.id
         WHERE p.deleted_at IS NULL${seeds.published ? " AND p.status = 'ACTIVE'" : ""} AND ${wanted}${seeds.by === "external" ? " LIMIT 10" : ""}`;
}

interface PathColumns {
  readonly path: string;
  /** Least array after every path below. */
  readonly until: string;
}

/** The category that is searched at a step outwards, and the one that the step before has searched. */
function ringColumns(level: number, parameters: Parameters): { within: PathColumns; beyond?: PathColumns } {
  const until = (path: string): string =>
    `${path}[:cardinality(${path}) - 1] || (${path}[cardinality(${path})] || chr(1))`;
  const whole = "p.category_path";
  if (level === 0) {
    const none = `coalesce(cardinality(${whole}), 0) = 0`;
    return {
      within: {
        path: `coalesce(${whole}, '{}')`,
        until: `CASE WHEN ${none} THEN ${AFTER_ALL_PATHS} ELSE ${until(whole)} END`,
      },
    };
  }
  const steps = `${parameters.bind(level)}::int`;
  const outer = `(${whole}[:cardinality(${whole}) - ${steps}])`;
  const inner = `(${whole}[:cardinality(${whole}) - ${steps} + 1])`;
  // Beyond the outermost level there is nothing: an empty range.
  const exists = `cardinality(${whole}) > ${steps}`;
  return {
    within: {
      path: `CASE WHEN ${exists} THEN ${outer} ELSE '{}' END`,
      until: `CASE WHEN ${exists} THEN ${until(outer)} ELSE '{}' END`,
    },
    beyond: {
      path: `CASE WHEN ${exists} THEN ${inner} ELSE '{}' END`,
      until: `CASE WHEN ${exists} THEN ${until(inner)} ELSE '{}' END`,
    },
  };
}

/** Whether enough products are left for the HNSW index: known only here where it depends on the seed's category. */
function broad(choice: ScanChoice, within: string, beyond: string | undefined, parameters: Parameters): string {
  if (choice.scan !== "by-category") return `${choice.scan === "hnsw"}`;
  const key = (path: string): string => `array_to_string(${path}, ${parameters.bind(PATH_SEPARATOR)})`;
  const wide = `${key(within)} = ANY(${parameters.bind(choice.broad)}::text[])`;
  return beyond === undefined ? wide : `${wide} AND ${key(beyond)} <> ALL(${parameters.bind(choice.filling)}::text[])`;
}

/** The range of prices around the seed's own; no currency where it has no price, and then nothing is asked of the price. */
function productPrice({ relativePrice }: SeedQuestion, { bind }: Parameters): string {
  if (relativePrice === undefined) return "";
  const { min, max } = relativePrice;
  const times = (factor: number): string => `p.price_minor * ${bind(factor)}::numeric`;
  return `, CASE WHEN p.price_minor IS NOT NULL THEN p.currency END AS price_currency,
           ${min === undefined ? "0" : `ceil(least(${times(min)}, ${MOST_MINOR}))::bigint`} AS price_from,
           ${max === undefined ? `${MOST_MINOR}` : `floor(least(${times(max)}, ${MOST_MINOR}))::bigint`} AS price_until`;
}

function blendPrice({ seeds, relativePrice }: SeedQuestion, { bind }: Parameters): string {
  if (relativePrice === undefined) return "";
  const price = seeds.by === "blend" ? seeds.price : undefined;
  const { min = 0, max } = relativePrice;
  // Factors of money: to the last digit that a double holds, and never past what a bigint holds.
  const least = price === undefined ? 0n : minor(Math.ceil(Number(price.leastMinor) * min));
  const most = price === undefined || max === undefined ? MOST_MINOR : minor(Math.floor(Number(price.mostMinor) * max));
  return `, ${bind(price?.currency ?? null)}::text AS price_currency,
           ${bind(least)}::bigint AS price_from, ${bind(most)}::bigint AS price_until`;
}

function minor(amount: number): bigint {
  return amount >= Number(MOST_MINOR) ? MOST_MINOR : BigInt(amount);
}

/** "Priced near the seed", for any table that has the columns. */
export function nearPrice(alias: string): string {
  return `(s.price_currency IS NULL OR (${alias}.currency = s.price_currency
      AND ${alias}.price_minor >= s.price_from AND ${alias}.price_minor <= s.price_until))`;
}

/** The photos of the seed `s`, as the CTE that `closestPair` reads. A picture is its own photo. */
export function seedPhotos(modelId: number): string {
  return `SELECT seen.image_id, seen.place, own.vec
    FROM unnest(s.image_ids, s.blob_ids) WITH ORDINALITY AS seen (image_id, blob_id, place)
    CROSS JOIN LATERAL (${photoVector(modelId, "seen.blob_id")}) own
    UNION ALL SELECT NULL, 1, s.vec WHERE s.product_id IS NULL`;
}

/**
 * The closest pair of photos of the seed and the product `alias`, where one of them has several. With one photo each
 * the products' vectors are the photos'.
 */
export function closestPair(alias: string, modelId: number): string {
  return `SELECT (theirs.vec <#> query.vec) AS rank, shown.image_id, query.image_id AS query_image_id
    FROM unnest(${alias}.image_ids, ${alias}.blob_ids) WITH ORDINALITY AS shown (image_id, blob_id, place)
    CROSS JOIN LATERAL (${photoVector(modelId, "shown.blob_id")}) theirs
    CROSS JOIN seed_photo query
    WHERE cardinality(${alias}.blob_ids) > 1 OR (SELECT count(*) FROM seed_photo) > 1
    ORDER BY 1, shown.place, query.place LIMIT 1`;
}

/** OFFSET keeps the planner from joining the whole table instead of looking up the few vectors. */
function photoVector(modelId: number, blobId: string): string {
  return `SELECT vec FROM ${partitionsOf(modelId).photo} WHERE blob_id = ${blobId} OFFSET 0`;
}
