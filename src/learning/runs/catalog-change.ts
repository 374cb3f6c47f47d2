import type { Sql } from "../../database/database.type.js";
import type { Snapshot } from "../snapshot/snapshot.type.js";
import { attributeOf, labelSql, namedBy } from "./catalog-labels.js";
import type { TrainingRequest } from "./training-request.js";

export interface CatalogChange {
  /** Photos of the snapshot. */
  readonly before: number;
  readonly added: number;
  readonly gone: number;
  /** Photos with another content or label than in the snapshot. */
  readonly changed: number;
  /** All three, of the photos of the snapshot; 1 and more when it had none. */
  readonly share: number;
}

/**
 * How far the catalog has moved away from what a run learned from, going by the first rule: photos that have a label
 * and were not there, photos that are gone, and those that look or are called different.
 */
export async function measureChange(
  sql: Sql,
  snapshot: Pick<Snapshot, "photos" | "labelNames">,
  request: Pick<TrainingRequest, "positives" | "onlyLabels" | "excludeLabels">,
): Promise<CatalogChange> {
  const { kind } = request.positives[0]!;
  const labels = snapshot.photos.map(({ labels: [first = -1] }) => snapshot.labelNames[0]?.[first] ?? null);
  const [row] = await sql.query<Omit<CatalogChange, "share">>(
    `WITH learned AS (
       SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS photo (image, blob, label)
     ), shown AS (
       SELECT i.id AS image, i.blob_id AS blob, ${labelSql(kind)} AS label
       FROM product p JOIN product_image i ON i.product_id = p.id AND i.state = 'READY'
       WHERE p.deleted_at IS NULL AND p.status = 'ACTIVE' AND $1::text IS NOT NULL
     ), wanted AS (
       SELECT image, blob, label FROM shown
       WHERE $7::boolean OR label IS NOT NULL
         AND ($5::text[] IS NULL OR ${namedBy("$5")}) AND NOT ${namedBy("$6")}
     )
     SELECT count(l.image)::int AS before,
            (count(*) FILTER (WHERE l.image IS NULL))::int AS added,
            (count(*) FILTER (WHERE l.label IS NOT NULL AND w.image IS NULL))::int AS gone,
            (count(*) FILTER (WHERE l.blob <> w.blob OR l.label <> w.label))::int AS changed
     FROM learned l FULL JOIN wanted w ON w.image = l.image`,
    [
      attributeOf(kind),
      snapshot.photos.map(({ imageId }) => imageId),
      snapshot.photos.map(({ blobId }) => blobId),
      labels,
      request.onlyLabels ?? null,
      request.excludeLabels ?? [],
      kind === "augmentation",
    ],
  );
  const { before, added, gone, changed } = row!;
  return { before, added, gone, changed, share: (added + gone + changed) / Math.max(1, before) };
}
