import type { Sql } from "../../database/database.type.js";
import type { RulesQuery, SimilarRule } from "./similar-rule.type.js";

const COLUMNS = `id, action, product_id AS "productId", for_product_id AS "forProductId", for_category AS "forCategory",
  position, valid_from AS "from", valid_to AS "to", note, created_at AS "createdAt", updated_at AS "updatedAt"`;

export type RuleToWrite = Omit<SimilarRule, "id" | "createdAt" | "updatedAt">;

/** Writers of rules one after the other until this transaction ends, so that what they looked at still holds. */
export async function lockRules(sql: Sql): Promise<void> {
  await sql.query("LOCK TABLE similar_rule IN SHARE ROW EXCLUSIVE MODE");
}

export async function insertRule(sql: Sql, rule: RuleToWrite): Promise<SimilarRule> {
  const [row] = await sql.query<SimilarRule>(
    `INSERT INTO similar_rule
       (action, product_id, for_product_id, for_category, position, valid_from, valid_to, note)
     VALUES ($1::similar_rule_action, $2::bigint, $3::bigint, $4::text[], $5::int, $6::timestamptz, $7::timestamptz, $8)
     RETURNING ${COLUMNS}`,
    [
      ...[rule.action, rule.productId, rule.forProductId, rule.forCategory, rule.position],
      ...[toText(rule.from), toText(rule.to), rule.note],
    ],
  );
  return row!;
}

export async function updateRule(
  sql: Sql,
  { id, position, from, to, note }: Pick<SimilarRule, "id" | "position" | "from" | "to" | "note">,
): Promise<SimilarRule> {
  const [row] = await sql.query<SimilarRule>(
    `UPDATE similar_rule SET position = $2::int, valid_from = $3::timestamptz, valid_to = $4::timestamptz, note = $5,
            updated_at = now()
     WHERE id = $1::bigint RETURNING ${COLUMNS}`,
    [id, position, toText(from), toText(to), note],
  );
  return row!;
}

export async function deleteRule(sql: Sql, id: bigint): Promise<SimilarRule | undefined> {
  const [row] = await sql.query<SimilarRule>(`DELETE FROM similar_rule WHERE id = $1::bigint RETURNING ${COLUMNS}`, [
    id,
  ]);
  return row;
}

export async function findRule(sql: Sql, id: bigint): Promise<SimilarRule | undefined> {
  const [row] = await sql.query<SimilarRule>(`SELECT ${COLUMNS} FROM similar_rule WHERE id = $1::bigint`, [id]);
  return row;
}

/** Rules of the same kind, product and scope that hold at some time in which this one does; itself not counted. */
export async function overlapping(sql: Sql, rule: RuleToWrite, id: bigint | null): Promise<SimilarRule[]> {
  return sql.query<SimilarRule>(
    `SELECT ${COLUMNS} FROM similar_rule
     WHERE action = $1::similar_rule_action AND product_id = $2::bigint
       AND for_product_id IS NOT DISTINCT FROM $3::bigint AND for_category IS NOT DISTINCT FROM $4::text[]
       AND tstzrange(valid_from, valid_to) && tstzrange($5::timestamptz, $6::timestamptz)
       AND id IS DISTINCT FROM $7::bigint
     ORDER BY id`,
    [rule.action, rule.productId, rule.forProductId, rule.forCategory, toText(rule.from), toText(rule.to), id],
  );
}

/** Newest first. */
export async function listRules(sql: Sql, query: RulesQuery, now: Date): Promise<SimilarRule[]> {
  return sql.query<SimilarRule>(
    `SELECT ${COLUMNS} FROM similar_rule
     WHERE ($1::bigint IS NULL OR product_id = $1::bigint)
       AND ($2::bigint IS NULL OR for_product_id = $2::bigint)
       AND ($3::text[] IS NULL OR for_category = $3::text[])
       AND ($4::bigint IS NULL OR id < $4::bigint)
       AND ($5::text IS NULL OR $5 = CASE WHEN valid_to <= $6::timestamptz THEN 'EXPIRED'
             WHEN valid_from > $6::timestamptz THEN 'SCHEDULED' ELSE 'ACTIVE' END)
     ORDER BY id DESC LIMIT $7::int`,
    [
      ...[query.productId ?? null, query.forProductId ?? null, query.forCategory ?? null, query.after ?? null],
      ...[query.state ?? null, now.toISOString(), query.limit],
    ],
  );
}

/** All that hold now or will. */
export async function readLivingRules(sql: Sql, now: Date): Promise<SimilarRule[]> {
  return sql.query<SimilarRule>(
    `SELECT ${COLUMNS} FROM similar_rule WHERE valid_to IS NULL OR valid_to > $1::timestamptz ORDER BY id`,
    [now.toISOString()],
  );
}

/** pg writes dates in the zone of this process, and years before 1000 not as Postgres reads them. */
function toText(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
