import type { Database } from "../database/database.type.js";
import { bindConditions } from "./conditions-sql.js";
import { createParameters, type Parameters } from "./parameters.js";
import { partitionsOf } from "./partitions.js";
import { closestPair, type SearchedModel, seedPhotos, seedQuery } from "./seed-sql.js";
import type { ScanChoice } from "./selectivity.js";
import type { Position, WindowRequest } from "./vectors.type.js";

/**
 * Products of one window. With fewer, a page of one item a group would need a second statement more often; these, and
 * one more, still come out of one round of an HNSW scan.
 */
export const WINDOW = 64;
/** Products that a window may hold when it is opened again: others may have come into it. Still one round of the scan. */
const REOPENED_WINDOW = 96;

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Products that the scan gives at most; with as many there may be more after them. */
export function mostCandidates({ after }: Pick<WindowRequest, "after">): number {
  return after === undefined ? WINDOW : REOPENED_WINDOW;
}

/**
 * One row a seed: the seed, and the candidates of the window in arrays, in the order of the scan; `arrangeWindow` makes
 * the window of them. Done there and not here, because of 64 products it is cheaper than the plan's nodes for it.
 * @param pairs compare photo by photo where a product has several. Without it the statement is cheaper, and its
 *   `several` tells when that was wrong.
 */
export function windowStatement(
  request: WindowRequest,
  model: SearchedModel,
  choice: ScanChoice,
  kind: Database["kind"],
  pairs: boolean,
): Statement {
  const parameters = createParameters();
  const { level = 0, seeds, filter } = request;
  const seed = seedQuery({ seeds, level, relativePrice: filter.relativePrice }, model, choice, kind, parameters);
  const { anywhere, inRing, searchedBefore } = bindConditions(request, seeds, parameters);
  const conditions = (alias: string): string[] => [...anywhere(alias), ...inRing(alias)];
  const start = request.start && bindPosition(request.start, parameters);
  // Bound where it is used: a parameter that no text names has no type.
  const end = choice.scan === "hnsw" ? undefined : request.end && bindPosition(request.end, parameters);
  const inBounds = (rank: string, id: string, bounds: "both" | "start"): string[] => [
    ...(start === undefined ? [] : [`(${rank}, ${id}) > ${start}`]),
    ...(end === undefined || bounds === "start" ? [] : [`(${rank}, ${id}) <= ${end}`]),
  ];
  const compared = request.match === "BEST_IMAGE" && pairs;
  const { product } = partitionsOf(model.id);
  const columns = `v.product_id, v.group_key, v.image_ids, v.blob_ids`;
  const most = mostCandidates(request);

  // Without the cast of the index's expression the planner cannot take the HNSW index, whatever it costs it at.
  const exact = (gate: string[]): string => `
      SELECT ${columns}, v.vec <#> s.vec AS rank FROM ${product} v
      WHERE ${["s.vec IS NOT NULL", ...gate, ...conditions("v"), ...inBounds("v.vec <#> s.vec", "v.product_id", "both")].join("\n        AND ")}
      ORDER BY rank, product_id LIMIT ${most}`;
  // CASE hides the conditions from the planner: it would guess them more selective than they were estimated to be, and
  // take a btree instead. The window's end is left to the reader: the scan would go on behind it, looking for more.
  const cast = `halfvec(${model.dims})`;
  const distance = `(v.vec::${cast}) <#> s.vec::${cast}`;
  const hnsw = (gate: string[]): string => `
      SELECT ${columns}, ${distance} AS rank FROM ${product} v
      WHERE ${["s.vec IS NOT NULL", ...gate].join(" AND ")}
        AND CASE WHEN ${[...conditions("v"), ...inBounds(distance, "v.product_id", "start")].join("\n        AND ")} THEN true ELSE false END
      ORDER BY ${distance} LIMIT ${most + 1}`;
  const nearest =
    choice.scan === "exact"
      ? exact([])
      : choice.scan === "hnsw"
        ? hnsw([])
        : `(${exact(["NOT s.broad"])}) UNION ALL (${hnsw(["s.broad"])})`;

  // A group is shown by its nearest product, which may be in a window before this one.
  const shownBefore = [
    ...(searchedBefore === undefined ? [] : [searchedBefore("o")]),
    ...(start === undefined
      ? []
      : [`(${[...inRing("o"), `(o.vec <#> s.vec, o.product_id) <= ${start}`].join(" AND ")})`]),
  ].join(" OR ");
  const repeated =
    !request.oneOfGroup || shownBefore === ""
      ? ""
      : `, array_agg(n.group_key IS NOT NULL AND EXISTS (
        SELECT 1 FROM ${product} o
        WHERE o.group_key = n.group_key AND ${anywhere("o").join(" AND ")} AND (${shownBefore}))) AS repeated`;
  const seen = `array_agg(n.product_id) AS ids, array_agg(n.rank) AS ranks${
    request.oneOfGroup ? ", json_agg(n.group_key) AS groups" : ""
  }${repeated}`;
  const photos = compared
    ? `, array_agg(pair.rank) AS pair_ranks,
      array_agg(coalesce(pair.image_id, n.image_ids[1])) AS image_ids,
      array_agg(coalesce(pair.query_image_id, s.image_ids[1])) AS query_image_ids
    FROM nearest n LEFT JOIN LATERAL (${closestPair("n", model.id)}) pair ON true`
    : request.match === "BEST_IMAGE"
      ? `, array_agg(n.image_ids[1]) AS image_ids, bool_or(cardinality(n.blob_ids) > 1) OR cardinality(s.blob_ids) > 1 AS several
    FROM nearest n`
      : " FROM nearest n";
  const photosOfSeed = compared ? `, seed_photo AS MATERIALIZED (${seedPhotos(model.id)})` : "";

  return {
    text: `WITH seed AS MATERIALIZED (${seed})
    SELECT s.product_id AS seed_id, s.sources, s.category_path, s.group_key, s.image_ids[1] AS query_image_id,
      s.vec IS NOT NULL AS embedded, s.broad,
      (SELECT id FROM model_version WHERE state = 'ACTIVE') AS active_model_id, seen.*
    FROM seed s LEFT JOIN LATERAL (
      WITH nearest AS MATERIALIZED (${nearest})${photosOfSeed}
      SELECT ${seen}${photos}
    ) seen ON true`,
    values: parameters.values,
  };
}

function bindPosition({ rank, productId }: Position, { bind }: Parameters): string {
  return `(${bind(rank)}::float8, ${bind(productId)}::bigint)`;
}
