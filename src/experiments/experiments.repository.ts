import type { Sql } from "../database/database.type.js";
import type { Experiment, NewExperiment, Variant } from "./experiment.type.js";

const SELECT = `
  SELECT e.id, e.name, e.share, e.starts_at AS "from", e.ends_at AS "to", e.stopped_at AS "stoppedAt",
         e.created_at AS "createdAt",
         (SELECT jsonb_agg(jsonb_build_object('modelId', v.model_id, 'weight', v.weight) ORDER BY v.position)
          FROM experiment_variant v WHERE v.experiment_id = e.id) AS variants
  FROM experiment e`;

/** Writers of experiments one after the other until this transaction ends. */
export async function lockExperiments(sql: Sql): Promise<void> {
  await sql.query("LOCK TABLE experiment IN SHARE ROW EXCLUSIVE MODE");
}

export async function insertExperiment(
  sql: Sql,
  { name, share, from, to, variants }: Required<NewExperiment>,
): Promise<Experiment> {
  const [row] = await sql.query<{ id: number }>(
    `INSERT INTO experiment (name, share, starts_at, ends_at)
     VALUES ($1, $2::float8, $3::timestamptz, $4::timestamptz) RETURNING id`,
    [name, share, from.toISOString(), to.toISOString()],
  );
  await sql.query(
    `INSERT INTO experiment_variant (experiment_id, position, model_id, weight)
     SELECT $1::int, place - 1, (variant ->> 'modelId')::int, (variant ->> 'weight')::float8
     FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS given (variant, place)`,
    [row!.id, JSON.stringify(variants satisfies readonly Variant[])],
  );
  return (await findExperiment(sql, row!.id))!;
}

/** Ends it now, or where it has not begun at its own beginning. */
export async function endExperiment(sql: Sql, id: number, now: Date): Promise<Experiment> {
  await sql.query(
    `UPDATE experiment SET ends_at = greatest(starts_at, $2::timestamptz), stopped_at = $2::timestamptz
     WHERE id = $1::int`,
    [id, now.toISOString()],
  );
  return (await findExperiment(sql, id))!;
}

export async function findExperiment(sql: Sql, id: number): Promise<Experiment | undefined> {
  const [row] = await sql.query<Experiment>(`${SELECT} WHERE e.id = $1::int`, [id]);
  return row;
}

/** Newest first. */
export async function listExperiments(sql: Sql, limit: number): Promise<Experiment[]> {
  return sql.query<Experiment>(`${SELECT} ORDER BY e.id DESC LIMIT $1::int`, [limit]);
}

/** Those that run at `now` or later. */
export async function livingExperiments(sql: Sql, now: Date): Promise<Experiment[]> {
  return sql.query<Experiment>(`${SELECT} WHERE e.ends_at > $1::timestamptz ORDER BY e.starts_at, e.id`, [
    now.toISOString(),
  ]);
}

/** One that runs at some time of this span. */
export async function findOverlapping(sql: Sql, from: Date, to: Date): Promise<Experiment | undefined> {
  const [row] = await sql.query<Experiment>(
    `${SELECT} WHERE e.starts_at < $2::timestamptz AND e.ends_at > $1::timestamptz AND e.ends_at > e.starts_at
     ORDER BY e.starts_at LIMIT 1`,
    [from.toISOString(), to.toISOString()],
  );
  return row;
}
