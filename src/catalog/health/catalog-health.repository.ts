import type { Sql } from "../../database/database.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import { countWorkers } from "../../jobs/worker-presence.js";
import type { CatalogHealthObject } from "./catalog-health.object.js";

export interface CatalogHealthSources {
  readonly sql: Sql;
  readonly queue: Pick<JobQueue, "counts">;
}

interface Counts {
  readonly products: number;
  readonly embeddedProducts: number;
  readonly productsWithoutPhotos: number;
  readonly photos: number;
  readonly photosPending: number;
  readonly photosReady: number;
  readonly photosFailed: number;
  readonly distinctPhotos: number;
  readonly embeddedPhotos: number;
}

/** Deleted products and their photos do not count. */
const COUNTS = `
  WITH live AS (SELECT id FROM product WHERE deleted_at IS NULL),
       shown AS (SELECT i.product_id, i.state, i.blob_id FROM product_image i JOIN live ON live.id = i.product_id),
       content AS (SELECT DISTINCT blob_id FROM shown WHERE blob_id IS NOT NULL),
       model AS (SELECT id FROM model_version WHERE state = 'ACTIVE')
  SELECT
    (SELECT count(*) FROM live)::int AS products,
    (SELECT count(*) FROM vectors.product_vector v JOIN live ON live.id = v.product_id
      WHERE v.model_id = (SELECT id FROM model))::int AS "embeddedProducts",
    (SELECT count(*) FROM live WHERE NOT EXISTS (SELECT 1 FROM shown WHERE shown.product_id = live.id))::int
      AS "productsWithoutPhotos",
    (SELECT count(*) FROM shown)::int AS photos,
    (SELECT count(*) FROM shown WHERE state = 'PENDING')::int AS "photosPending",
    (SELECT count(*) FROM shown WHERE state = 'READY')::int AS "photosReady",
    (SELECT count(*) FROM shown WHERE state = 'FAILED')::int AS "photosFailed",
    (SELECT count(*) FROM content)::int AS "distinctPhotos",
    (SELECT count(*) FROM content JOIN vectors.photo_vector v ON v.blob_id = content.blob_id
      WHERE v.model_id = (SELECT id FROM model))::int AS "embeddedPhotos"`;

const FAILURES = `
  SELECT i.failure_code AS code, count(*)::int AS photos
  FROM product_image i JOIN product p ON p.id = i.product_id
  WHERE i.state = 'FAILED' AND i.failure_code IS NOT NULL AND p.deleted_at IS NULL
  GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50`;

/** Counts the catalog as it is, deleted products left out. Reads every row; for people, not for every request. */
export async function readCatalogHealth({ sql, queue }: CatalogHealthSources): Promise<CatalogHealthObject> {
  // First, so that whoever reads "no jobs" here reads the numbers that they left behind.
  const jobs = Object.entries(await queue.counts()).map(([name, numbers]) => ({ name, ...numbers }));
  const [counts] = await sql.query<Counts>(COUNTS);
  const failures = await sql.query<{ code: string; photos: number }>(FAILURES);
  const { distinctPhotos, embeddedPhotos } = counts!;
  return {
    ...counts!,
    coverage: distinctPhotos === 0 ? 1 : embeddedPhotos / distinctPhotos,
    workers: await countWorkers(sql),
    failures,
    jobs,
  };
}
