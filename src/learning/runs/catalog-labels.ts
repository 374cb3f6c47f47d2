import type { Sql } from "../../database/database.type.js";
import { selectLabels, selectsLabels } from "../../evaluation/index.js";
import { NotEnoughData } from "../learning.errors.js";
import type { PositiveKind } from "../snapshot/snapshot.type.js";
import type { TrainingRequest } from "./training-request.js";

/** How many photos of the catalog can be learnt from, before anything is computed. */
export interface TrainingCounts {
  /** Photos of active products that are there and have a vector of the base model. */
  readonly photos: number;
  /** Photos that are still to be fetched or embedded; a run that starts now does not see them. */
  readonly photosMissing: number;
  /** By the first rule, after the selection of labels. 0 for augmentation, which needs none. */
  readonly labels: number;
  /** Labels with two photos or more that are not held out by the import: only these make positive pairs. */
  readonly labelsWithPairs: number;
  /** Photos of those labels. */
  readonly labelledPhotos: number;
  /** Photos in each split that the import has set. */
  readonly test: number;
}

/** Two labels with two photos each make the smallest batch that has a positive and a negative of every anchor. */
const LEAST_LABELS = 2;

/**
 * Label of a product `p` as text, or NULL; `$1` is the attribute's name. Spelt as `labelReader` spells it, because labels
 * of snapshots are compared with these.
 */
export function labelSql(kind: PositiveKind): string {
  if (kind === "product") return "'prod_' || p.id";
  if (kind === "group") return "p.source || ' > ' || p.group_key";
  if (kind === "category") return "nullif(array_to_string(p.category_path, ' > '), '')";
  if (kind === "augmentation") return "NULL::text";
  return `(SELECT nullif(string_agg(v, ' > ' ORDER BY v COLLATE "C"), '') FROM jsonb_array_elements_text(
             CASE WHEN jsonb_typeof(p.attributes -> $1::text) = 'array' THEN p.attributes -> $1::text
                  ELSE '[]'::jsonb END) AS values (v))`;
}

export function attributeOf(kind: PositiveKind): string {
  return kind.startsWith("attribute:") ? kind.slice("attribute:".length) : "";
}

/** Whether a list names a label: by its name, or by the last part of a path. */
export function namedBy(list: string): string {
  return `(label = ANY (${list}::text[]) OR regexp_replace(label, '^.* > ', '') = ANY (${list}::text[]))`;
}

/** Counts in one statement; a second on a million photos. @throws BadUserInput for a label that nobody has */
export async function countForTraining(
  sql: Sql,
  request: Pick<TrainingRequest, "positives" | "onlyLabels" | "excludeLabels">,
  baseId: number,
): Promise<TrainingCounts> {
  const { kind } = request.positives[0]!;
  const [row] = await sql.query<TrainingCounts>(
    `WITH photo AS (
       SELECT i.id, p.split, ${labelSql(kind)} AS label,
              v.blob_id IS NOT NULL AS embedded
       FROM product p
       JOIN product_image i ON i.product_id = p.id AND i.state IN ('READY', 'PENDING')
       LEFT JOIN vectors.photo_vector v ON v.model_id = $2::int AND v.blob_id = i.blob_id
       WHERE p.deleted_at IS NULL AND p.status = 'ACTIVE' AND $1::text IS NOT NULL
     ), label AS (
       SELECT label, count(*)::int AS photos,
              (count(*) FILTER (WHERE split IS NULL OR split = 'TRAIN'))::int AS learnable FROM photo
       WHERE embedded AND label IS NOT NULL
         AND ($3::text[] IS NULL OR label = ANY ($3::text[]))
       GROUP BY 1
     )
     SELECT (SELECT count(*) FROM photo WHERE embedded)::int AS photos,
            (SELECT count(*) FROM photo WHERE NOT embedded)::int AS "photosMissing",
            (SELECT count(*) FROM label)::int AS labels,
            (SELECT count(*) FROM label WHERE learnable > 1)::int AS "labelsWithPairs",
            (SELECT coalesce(sum(photos), 0) FROM label)::int AS "labelledPhotos",
            (SELECT count(*) FROM photo WHERE embedded AND split = 'TEST')::int AS test`,
    [attributeOf(kind), baseId, await selectedLabels(sql, request)],
  );
  return row!;
}

/** The labels that a request selects by name; null for all. @throws BadUserInput for a name that no label has */
async function selectedLabels(
  sql: Sql,
  request: Pick<TrainingRequest, "positives" | "onlyLabels" | "excludeLabels">,
): Promise<string[] | null> {
  if (!selectsLabels(request)) return null;
  const { kind } = request.positives[0]!;
  const rows = await sql.query<{ label: string | null }>(
    `SELECT DISTINCT ${labelSql(kind)} AS label FROM product p
     WHERE p.deleted_at IS NULL AND p.status = 'ACTIVE' AND $1::text IS NOT NULL`,
    [attributeOf(kind)],
  );
  const names = new Set(rows.flatMap(({ label }) => (label === null ? [] : [label])));
  return [...selectLabels(names, request)];
}

/**
 * Refuses what cannot work, going by the counts alone, where the catalog is too large to try. The snapshot, which a
 * worker builds, may still find too little.
 * @throws NotEnoughData saying what is missing
 */
export function assertEnough(counts: TrainingCounts, request: Pick<TrainingRequest, "positives" | "recipe">): void {
  const { photosMissing, labels, labelsWithPairs } = counts;
  const later = photosMissing > 0 ? ` ${photosMissing} photos are still to be fetched or embedded.` : "";
  const { kind } = request.positives[0]!;
  if (kind === "augmentation" || request.recipe === "whitening") return;
  const missing = LEAST_LABELS - labelsWithPairs;
  if (missing <= 0) return;
  throw new NotEnoughData(
    `Of the ${labels} labels by ${kind}, ${labelsWithPairs} have two photos or more to learn from; at least ${LEAST_LABELS} are ` +
      `needed: ${missing} more.${later} Choose other positives, or positives: augmentation, which needs no labels.`,
  );
}
