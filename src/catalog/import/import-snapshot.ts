import type { Sql } from "../../database/database.type.js";
import { BATCH_EVENTS } from "../products/catalog-batches.js";
import type { CatalogEvent } from "../products/catalog-event.type.js";
import { MassDeleteRefused } from "./import-errors.js";

/** Largest share of a source's products that a snapshot deletes without being told to. */
export const MASS_DELETE_SHARE = 0.2;

export interface Snapshot {
  readonly source: string;
  /** When the import began, by the database's clock. Products that others changed since are not absent for certain. */
  readonly startedAt: string;
  /** Whether the feed named the product. */
  readonly isNamed: (externalId: string) => boolean;
}

export interface Absence {
  readonly absent: number;
  /** Living products of the source, the absent among them. */
  readonly products: number;
  readonly examples: readonly string[];
}

export async function databaseTime(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ now: string }>("SELECT now()::text AS now");
  return row?.now ?? new Date().toISOString();
}

/** Counts what the feed does not name. */
export async function countAbsent(sql: Sql, snapshot: Snapshot): Promise<Absence> {
  const [row] = await sql.query<{ products: bigint }>(
    "SELECT count(*) AS products FROM product WHERE source = $1 AND deleted_at IS NULL",
    [snapshot.source],
  );
  let absent = 0;
  const examples: string[] = [];
  for await (const events of absentProducts(sql, snapshot)) {
    absent += events.length;
    for (const event of events.slice(0, 3 - examples.length)) {
      if (event.type === "delete") examples.push(event.externalId);
    }
  }
  return { absent, products: Number(row?.products ?? 0), examples };
}

/**
 * Refuses to delete too much.
 * @param deleted by an earlier attempt of the same run
 * @throws MassDeleteRefused
 */
export function assertShare({ absent, products, examples }: Absence, deleted: number): void {
  if (absent === 0 || absent + deleted <= (products + deleted) * MASS_DELETE_SHARE) return;
  throw new MassDeleteRefused(absent, products, MASS_DELETE_SHARE, examples);
}

/** Deletes for the products that the feed does not name, in batches by id: flat in memory whatever the catalog. */
export async function* absentProducts(sql: Sql, snapshot: Snapshot): AsyncGenerator<CatalogEvent[]> {
  const { source, startedAt, isNamed } = snapshot;
  let after = 0n;
  for (;;) {
    const rows = await sql.query<{ id: bigint; externalId: string; sourceUpdatedAt: Date | null }>(
      `SELECT id, external_id AS "externalId", source_updated_at AS "sourceUpdatedAt" FROM product
       WHERE source = $1 AND id > $2::bigint AND deleted_at IS NULL AND updated_at <= $3::timestamptz
       ORDER BY id LIMIT ${BATCH_EVENTS}`,
      [source, after.toString(), startedAt],
    );
    // A tombstone with the time that the product had: when the feed names it again, with the same time, it comes back.
    const events = rows
      .filter(({ externalId }) => !isNamed(externalId))
      .map(({ externalId, sourceUpdatedAt }): CatalogEvent => {
        return { type: "delete", source, externalId, sourceUpdatedAt: sourceUpdatedAt ?? new Date(0) };
      });
    if (events.length > 0) yield events;
    const last = rows.at(-1);
    if (!last || rows.length < BATCH_EVENTS) return;
    after = last.id;
  }
}
