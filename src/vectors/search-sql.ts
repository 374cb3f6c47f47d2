import type { Database } from "../database/database.type.js";
import {
  bindFilter,
  createParameters,
  hidden,
  oneOf,
  type Parameters,
  pathCondition,
  vectorTable,
} from "./filter-sql.js";
import { partitionsOf } from "./partitions.js";
import { scopedGroup } from "./product-vectors.repository.js";
import { PATH_SEPARATOR, type ScanChoice } from "./selectivity.js";
import { encodeVector } from "./vector-format.js";
import type { Hidden, SearchConditions, Seeds, WindowRequest } from "./vectors.type.js";

/**
 * Products of one window. With fewer, a page of one item a group would need a second statement more often; these, and
 * one more, still come out of one round of an HNSW scan.
 */
export const WINDOW = 64;
const EF_SEARCH = 100;
/**
 * How much farther than `maxDistance` the vector of a product with several photos may lie, while a pair of photos may
 * still be near enough to be shown. Everything within it is looked at, so more costs windows.
 */
const PAIR_SLACK = 0.2;

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface SearchedModel {
  readonly id: number;
  readonly dims: number;
}

/** Least array in collation C that no category path reaches. */
const AFTER_ALL_PATHS = "ARRAY[chr(1114111)]";

/**
 * The seeds: what they are, and their vectors. On Postgres the settings of the HNSW scan are made here, because then
 * they cost no round trip: a CTE runs before the scan that needs its vector, and they end with the statement.
 */
export function seedQuery(
  seeds: Seeds,
  model: SearchedModel,
  choice: ScanChoice,
  kind: Database["kind"],
  parameters: Parameters,
): string {
  const settings =
    kind === "embedded" || choice.scan === "exact"
      ? ""
      : `, set_config('hnsw.ef_search', '${EF_SEARCH}', true) AS ef_search,
           set_config('hnsw.iterative_scan', 'strict_order', true) AS iterative_scan`;
  if (seeds.by === "picture") {
    const vec = `${parameters.bind(encodeVector(seeds.vector))}::vector`;
    return `SELECT NULL::bigint AS product_id, '{}'::text[] AS sources, '{}'::text[] AS category_path,
             ${AFTER_ALL_PATHS} AS category_until, NULL::text AS group_key,
             ${kind === "postgres" ? `${vec}::halfvec` : vec} AS vec, '{}'::bigint[] AS image_ids,
             '{}'::bigint[] AS blob_ids, ${choice.scan === "hnsw"} AS broad${settings}`;
  }
  const broad =
    choice.scan === "by-category"
      ? `array_to_string(coalesce(p.category_path, '{}'), ${parameters.bind(PATH_SEPARATOR)}) = ANY(${parameters.bind(choice.broad)}::text[])`
      : `${choice.scan === "hnsw"}`;
  const wanted =
    seeds.by === "product"
      ? oneOf("p.id", seeds.ids, "bigint", parameters)
      : oneOf("p.external_id", seeds.ids, "text", parameters);
  const sources = seeds.by === "product" ? "ARRAY[p.source]" : "array_agg(p.source) OVER ()";
  return `SELECT p.id AS product_id, ${sources} AS sources, coalesce(p.category_path, '{}') AS category_path,
           CASE WHEN coalesce(cardinality(p.category_path), 0) = 0 THEN ${AFTER_ALL_PATHS}
             ELSE p.category_path[:cardinality(p.category_path) - 1]
               || (p.category_path[cardinality(p.category_path)] || chr(1)) END AS category_until,
           ${scopedGroup("p")} AS group_key, v.vec, v.image_ids, v.blob_ids, ${broad} AS broad${settings}
         FROM product p
         LEFT JOIN ${partitionsOf(model.id).product} v ON v.product_id = p.id
         WHERE p.deleted_at IS NULL${seeds.published ? " AND p.status = 'ACTIVE'" : ""} AND ${wanted}${seeds.by === "external" ? " LIMIT 10" : ""}`;
}

/** Conditions on a candidate `alias` for the seed `s`, apart from its place in the ranking. */
export function bindConditions(
  conditions: SearchConditions & { readonly hidden?: Hidden },
  seeds: "products" | "picture",
  parameters: Parameters,
): (alias: string) => string[] {
  const filter = bindFilter(conditions.filter, parameters, conditions.hidden);
  const most =
    conditions.maxDistance === undefined ? undefined : hidden(conditions.maxDistance - 1, "float8", parameters);
  const nearEnough = (alias: string): string => {
    const rank = `(${alias}.vec <#> s.vec)`;
    const several = `(cardinality(${alias}.blob_ids) > 1 OR cardinality(s.blob_ids) > 1)`;
    const own = `${rank} <= ${most}`;
    return conditions.match === "PRODUCT" ? own : `(${own} OR (${several} AND ${rank} <= ${most} + ${PAIR_SLACK}))`;
  };
  return (alias) => [
    ...filter(vectorTable(alias)),
    ...(seeds === "products" && conditions.sameCategory
      ? [pathCondition(`${alias}.category_path`, "s.category_path", "s.category_until")]
      : []),
    ...(seeds === "products" ? [`${alias}.product_id <> s.product_id`] : []),
    ...(seeds === "products" && conditions.oneOfGroup
      ? [`(${alias}.group_key IS NULL OR s.group_key IS NULL OR ${alias}.group_key <> s.group_key)`]
      : []),
    ...(most === undefined ? [] : [nearEnough(alias)]),
  ];
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

/**
 * One row a seed: the seed, and what it sees through the window.
 * @param pairs compare photo by photo where a product has several. Without it the statement is a quarter cheaper, and
 *   its `edge` tells when that was wrong.
 */
export function windowStatement(
  request: WindowRequest,
  model: SearchedModel,
  choice: ScanChoice,
  kind: Database["kind"],
  pairs: boolean,
): Statement {
  const parameters = createParameters();
  const { product } = partitionsOf(model.id);
  const seed = seedQuery(request.seeds, model, choice, kind, parameters);
  const conditions = bindConditions(request, request.seeds.by === "picture" ? "picture" : "products", parameters);
  const start = request.start && {
    rank: `${parameters.bind(request.start.rank)}::float8`,
    id: `${parameters.bind(request.start.productId)}::bigint`,
  };
  const offset = parameters.bind(request.offset);
  const limit = parameters.bind(request.limit);
  const shown = request.maxDistance === undefined ? undefined : `${parameters.bind(request.maxDistance - 1)}::float8`;

  const compared = request.match === "BEST_IMAGE" && pairs;
  const columns = `v.product_id, v.group_key, ${compared ? "v.image_ids, v.blob_ids" : "v.image_ids[1] AS image_id, cardinality(v.blob_ids) > 1 AS several"}`;
  const after = (rank: string, id: string): string[] =>
    start === undefined ? [] : [`(${rank}, ${id}) > (${start.rank}, ${start.id})`];
  // Without the cast of the index's expression the planner cannot take the HNSW index, whatever it costs it at.
  const exact = (gate: string[]): string => `
    SELECT ${columns}, v.vec <#> s.vec AS rank FROM ${product} v
    WHERE ${["s.vec IS NOT NULL", ...gate, ...conditions("v"), ...after("v.vec <#> s.vec", "v.product_id")].join("\n      AND ")}
    ORDER BY rank, product_id LIMIT ${WINDOW}`;
  // CASE hides the conditions from the planner: it would guess them more selective than they were estimated to be, and
  // take a btree instead.
  const cast = `halfvec(${model.dims})`;
  const distance = `(v.vec::${cast}) <#> s.vec::${cast}`;
  const hnsw = (gate: string[]): string => `
    SELECT ${columns}, ${distance} AS rank FROM ${product} v
    WHERE ${["s.vec IS NOT NULL", ...gate].join(" AND ")}
      AND CASE WHEN ${[...conditions("v"), ...after(distance, "v.product_id")].join("\n      AND ")} THEN true ELSE false END
    ORDER BY ${distance} LIMIT ${WINDOW + 1}`;
  const nearest =
    choice.scan === "exact"
      ? exact([])
      : choice.scan === "hnsw"
        ? hnsw([])
        : `(${exact(["NOT s.broad"])}) UNION ALL (${hnsw(["s.broad"])})`;

  // An HNSW scan orders by rank alone. Its last rank is left to the next window, which sees all that share it.
  const candidate =
    choice.scan === "exact"
      ? "(SELECT * FROM nearest)"
      : `MATERIALIZED (
        SELECT * FROM nearest
        WHERE rank < (SELECT max(rank) FROM nearest) OR (SELECT count(*) FROM nearest) <= ${WINDOW}
      )`;

  // A group is shown by its nearest product. In the first window that is the first of the group in it; in a later one
  // the group may have been shown before.
  const group = 'coalesce(group_key, product_id::text) COLLATE "C"';
  const oneOfGroup = !request.oneOfGroup
    ? "SELECT * FROM candidate"
    : `SELECT * FROM (
        SELECT DISTINCT ON (${group}) * FROM candidate ORDER BY ${group}, rank, product_id
      ) c${
        start === undefined
          ? ""
          : ` WHERE NOT EXISTS (
          SELECT 1 FROM ${product} o
          WHERE o.group_key = c.group_key AND ${conditions("o").join(" AND ")}
            AND (o.vec <#> s.vec, o.product_id) <= (${start.rank}, ${start.id}))`
      }`;
  const ranked = compared
    ? `SELECT c.product_id, coalesce(pair.rank, c.rank) AS rank, coalesce(pair.image_id, c.image_ids[1]) AS image_id,
          coalesce(pair.query_image_id, s.image_ids[1]) AS query_image_id
        FROM single c LEFT JOIN LATERAL (${closestPair("c", model.id)}) pair ON true`
    : request.match === "PRODUCT"
      ? "SELECT product_id, rank, NULL::bigint AS image_id, NULL::bigint AS query_image_id FROM single"
      : "SELECT product_id, rank, image_id, s.image_ids[1] AS query_image_id FROM single";
  const several = compared ? "false" : "bool_or(several) OR cardinality(s.blob_ids) > 1";

  return {
    text: `WITH seed AS MATERIALIZED (
      ${seed}
    )
    SELECT s.product_id AS seed_id, s.sources, s.category_path, s.group_key, s.vec IS NOT NULL AS embedded, s.broad,
      (SELECT id FROM model_version WHERE state = 'ACTIVE') AS active_model_id, seen.*
    FROM seed s LEFT JOIN LATERAL (
      WITH nearest AS MATERIALIZED (${nearest}),
      candidate AS ${candidate},
      single AS (${oneOfGroup}),
${!compared ? "" : `      seed_photo AS MATERIALIZED (${seedPhotos(model.id)}),\n`}      ranked AS MATERIALIZED (${ranked}),
      page AS (
        SELECT * FROM ranked${shown === undefined ? "" : ` WHERE rank <= ${shown}`}
        ORDER BY rank, product_id OFFSET ${offset}::int LIMIT ${limit}::int
      )
      SELECT array_agg(product_id ORDER BY rank, product_id) AS ids,
        array_agg(rank ORDER BY rank, product_id) AS ranks,
        array_agg(image_id ORDER BY rank, product_id) AS image_ids,
        array_agg(query_image_id ORDER BY rank, product_id) AS query_image_ids,
        (SELECT ARRAY[(SELECT count(*)::float8 FROM nearest), max(rank), (${several})::int] FROM candidate) AS edge,
        (SELECT product_id FROM candidate ORDER BY rank DESC, product_id DESC LIMIT 1) AS last_id
      FROM page
    ) seen ON true`,
    values: parameters.values,
  };
}
