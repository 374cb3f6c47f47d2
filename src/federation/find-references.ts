import type { Sql } from "../database/database.type.js";
import { seedsOf } from "../similar/product-reference.js";
import { AmbiguousProduct } from "../similar/similar-items.errors.js";

/** Published products by what other subgraphs call them; in the order asked, undefined for what we do not have. */
export type FindReferences = (references: readonly string[]) => Promise<(bigint | AmbiguousProduct | undefined)[]>;

interface FoundRow {
  readonly id: bigint;
  readonly source: string;
  readonly externalId: string;
}

/**
 * Finds products by our ids (`prod_42`) or by their sources' own, all of them in one statement.
 * @param source only this one's ids, where several sources use the same; undefined for all
 */
export function createFindReferences(sql: Sql, source: string | undefined): FindReferences {
  return async (references) => {
    const wanted = references.map((reference) => seedsOf(reference));
    const ours = wanted.flatMap((seeds) => (seeds.by === "product" ? seeds.ids : []));
    const theirs = wanted.flatMap((seeds) => (seeds.by === "external" ? seeds.ids : []));
    const rows = await sql.query<FoundRow>(
      `SELECT id, source, external_id AS "externalId" FROM product
       WHERE deleted_at IS NULL AND status = 'ACTIVE'
         AND (id = ANY($1::bigint[]) OR external_id = ANY($2::text[]) AND ($3::text IS NULL OR source = $3))
       ORDER BY id`,
      [ours.map(String), theirs, source ?? null],
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    const byExternalId = new Map<string, FoundRow[]>();
    for (const row of rows) byExternalId.set(row.externalId, [...(byExternalId.get(row.externalId) ?? []), row]);
    return wanted.map((seeds, place) => {
      if (seeds.by === "product") return seeds.ids.map((id) => byId.get(id)?.id).find((id) => id !== undefined);
      if (seeds.by !== "external") return undefined;
      const found = seeds.ids
        .flatMap((id) => byExternalId.get(id) ?? [])
        .filter((row) => source === undefined || row.source === source);
      if (found.length <= 1) return found[0]?.id;
      return new AmbiguousProduct(references[place]!, [...new Set(found.map((row) => row.source))].sort());
    });
  };
}
