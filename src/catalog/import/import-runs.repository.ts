import { randomUUID } from "node:crypto";
import type { Sql } from "../../database/database.type.js";
import type { ImportState } from "../../generated/prisma/enums.js";
import { addCounts } from "./import-batch.js";
import type { ImportCounts, ImportProblem } from "./import-catalog.type.js";
import type { ImportLedger } from "./import-ledger.type.js";

/** Bad rows that a run keeps for people; its count of them goes on. */
const MAX_ISSUES = 1_000;
const MAX_REASON = 1_000;

export interface NewImportRun {
  readonly source: string;
  readonly location: string;
  /** `auto`: told from the feed. */
  readonly format: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ImportRunRow extends ImportCounts, NewImportRun {
  readonly id: string;
  readonly state: ImportState;
  readonly failure: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

const COUNTS = "rows, created, updated, unchanged, deleted, failed";
const COLUMNS = `id, source, location, format, options, state, ${COUNTS}, failure, created_at AS "createdAt",
  finished_at AS "finishedAt"`;

export async function insertImportRun(sql: Sql, run: NewImportRun): Promise<ImportRunRow> {
  const [row] = await sql.query<ImportRunRow>(
    `INSERT INTO import_run (id, source, location, format, options) VALUES ($1, $2, $3, $4, $5::jsonb)
     RETURNING ${COLUMNS}`,
    [randomUUID(), run.source, run.location, run.format, JSON.stringify(run.options)],
  );
  return row!;
}

/** Takes a run that has not ended; undefined when it has, or is gone. */
export async function beginImportRun(sql: Sql, id: string): Promise<ImportRunRow | undefined> {
  const [row] = await sql.query<ImportRunRow>(
    `UPDATE import_run SET state = 'RUNNING' WHERE id = $1 AND state IN ('PENDING', 'RUNNING') RETURNING ${COLUMNS}`,
    [id],
  );
  return row;
}

/** @param failure why it did not end well */
export async function endImportRun(sql: Sql, id: string, failure?: string): Promise<void> {
  await sql.query("UPDATE import_run SET state = $2::import_state, failure = $3, finished_at = now() WHERE id = $1", [
    id,
    failure === undefined ? "SUCCEEDED" : "FAILED",
    failure ?? null,
  ]);
}

/** Ends those of the runs that have not ended. @returns their ids */
export async function endGivenUpRuns(
  sql: Sql,
  runs: readonly { readonly id: string; readonly failure: string }[],
): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `UPDATE import_run r SET state = 'FAILED', failure = g.failure, finished_at = now()
     FROM unnest($1::uuid[], $2::text[]) AS g (id, failure)
     WHERE r.id = g.id AND r.state IN ('PENDING', 'RUNNING') RETURNING r.id`,
    [runs.map(({ id }) => id), runs.map(({ failure }) => failure)],
  );
  return rows.map(({ id }) => id);
}

/** Notes what went wrong with an attempt that will be made again. */
export async function noteImportRun(sql: Sql, id: string, failure: string): Promise<void> {
  await sql.query("UPDATE import_run SET failure = $2 WHERE id = $1", [id, failure]);
}

/** Keeps the counts and first problems of a run in its row. */
export function importRunLedger(run: ImportRunRow): ImportLedger {
  const { rows, created, updated, unchanged, deleted, failed } = run;
  return {
    counted: { rows, created, updated, unchanged, deleted, failed },
    async record(sql, before, batch, problems) {
      const after = addCounts(before, batch);
      // The condition makes it once only: a commit whose answer was lost is repeated by the caller.
      const [added] = await sql.query<ImportCounts>(
        `UPDATE import_run SET rows = $2, created = $3, updated = $4, unchanged = $5, deleted = $6, failed = $7
         WHERE id = $1 AND rows = $8 AND deleted = $9 RETURNING ${COUNTS}`,
        [
          run.id,
          after.rows,
          after.created,
          after.updated,
          after.unchanged,
          after.deleted,
          after.failed,
          before.rows,
          before.deleted,
        ],
      );
      if (added) {
        await insertIssues(sql, run.id, problems);
        return added;
      }
      const [stored] = await sql.query<ImportCounts>(`SELECT ${COUNTS} FROM import_run WHERE id = $1`, [run.id]);
      return stored ?? after;
    },
  };
}

async function insertIssues(sql: Sql, id: string, problems: readonly ImportProblem[]): Promise<void> {
  if (problems.length === 0) return;
  await sql.query(
    `INSERT INTO import_issue (import_run_id, line, code, reason)
     SELECT $1::uuid, line, code, reason
     FROM unnest($2::integer[], $3::text[], $4::text[]) WITH ORDINALITY AS input (line, code, reason, place)
     ORDER BY place
     LIMIT greatest(0, ${MAX_ISSUES} - (SELECT count(*) FROM import_issue WHERE import_run_id = $1::uuid))`,
    [
      id,
      problems.map(({ line }) => line),
      problems.map(({ code }) => code),
      problems.map(({ reason }) => reason.slice(0, MAX_REASON)),
    ],
  );
}
