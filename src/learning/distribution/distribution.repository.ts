import type { Sql } from "../../database/database.type.js";
import type { DistributionReport } from "../../mining/mining.type.js";

export interface StoredDistribution {
  readonly report: DistributionReport;
  readonly createdAt: Date;
}

/** Keeps a report in place of an earlier one of the same model and labels; nothing when the model is gone. */
export async function saveDistribution(
  sql: Sql,
  modelId: number,
  labels: string,
  report: DistributionReport,
): Promise<void> {
  await sql.query(
    `INSERT INTO distance_distribution (model_id, labels, report)
     SELECT id, $2, $3::jsonb FROM model_version WHERE id = $1::int
     ON CONFLICT (model_id, labels) DO UPDATE SET report = excluded.report, created_at = now()`,
    [modelId, labels, JSON.stringify(report)],
  );
}

export async function findDistribution(
  sql: Sql,
  modelId: number,
  labels: string,
): Promise<StoredDistribution | undefined> {
  const [row] = await sql.query<{ report: DistributionReport; created_at: Date }>(
    "SELECT report, created_at FROM distance_distribution WHERE model_id = $1::int AND labels = $2",
    [modelId, labels],
  );
  return row && { report: row.report, createdAt: row.created_at };
}
