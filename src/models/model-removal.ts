import type { Config } from "../config.js";
import type { Sql } from "../database/database.type.js";
import { forgetTrained } from "../embedding/trained-weights.js";
import type { Logger } from "../logger.js";
import type { Vectors } from "../vectors/vectors.type.js";
import type { ArtefactStore } from "./artefact-store.type.js";
import { ModelInExperiment, ModelInUse, ModelNotFound } from "./model-promotion.errors.js";
import type { ModelPromotion } from "./model-promotion.type.js";
import { MODEL_COLUMNS, type ModelRow, SELECT_MODEL, toModel } from "./model-rows.js";
import type { ModelVersion } from "./model-version.type.js";
import type { WaitingRuns } from "./refresh.type.js";

export interface ModelRemovalDependencies {
  readonly vectors: Pick<Vectors, "dropPartitions">;
  readonly artefacts: Pick<ArtefactStore, "delete">;
  readonly config: Pick<Config, "data" | "keepModels">;
  readonly runs: Pick<WaitingRuns, "finish">;
  readonly logger: Logger;
  /** A transaction in which no other process changes which models there are. */
  exclusively<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

/** Deletes model versions that nobody needs; see `ModelPromotion`. */
export function createModelRemoval({
  vectors,
  artefacts,
  config,
  runs,
  logger,
  exclusively,
}: ModelRemovalDependencies): Pick<ModelPromotion, "delete" | "cleanUp"> {
  async function remove(sql: Sql, { id }: ModelRow): Promise<ModelVersion> {
    // The state first: whoever writes its vectors looks at it, and a partition is dropped when they have finished.
    const [row] = await sql.query<ModelRow>(
      `UPDATE model_version
       SET state = CASE WHEN state = 'CANDIDATE' THEN 'RETIRED'::model_state ELSE state END, deleted_at = clock_timestamp()
       WHERE id = $1::int RETURNING ${MODEL_COLUMNS}`,
      [id],
    );
    await vectors.dropPartitions(sql, id);
    return toModel(row!);
  }

  /** After the commit, because a file cannot be rolled back. One that stays behind costs room and nothing else. */
  async function removeFiles({ name, trained }: ModelVersion): Promise<void> {
    if (trained === undefined) return;
    try {
      await artefacts.delete(trained.key);
      await forgetTrained(config, trained.sha256);
    } catch (error) {
      logger.warn({ model: name, key: trained.key, err: error }, "the weights of a deleted model could not be removed");
    }
  }

  return {
    async delete(modelId) {
      const model = await exclusively(async (sql) => {
        const [row] = await sql.query<
          ModelRow & { run_id: string | null; newest_base: boolean; experiment: string | null }
        >(
          `SELECT ${MODEL_COLUMNS}, run_id,
             (SELECT min(name) FROM vectors.model_in_experiment x WHERE x.model_id = model_version.id) AS experiment,
             weights_key IS NULL AND id = (
             SELECT max(id) FROM model_version
             WHERE weights_key IS NULL AND state <> 'FAILED' AND deleted_at IS NULL) AS newest_base
           FROM model_version WHERE id = $1::bigint AND deleted_at IS NULL`,
          [modelId],
        );
        if (row === undefined) throw new ModelNotFound(modelId);
        if (row.state === "ACTIVE") throw new ModelInUse(row.name, "active");
        if (row.experiment !== null) throw new ModelInExperiment(row.name, row.experiment);
        if (row.newest_base) throw new ModelInUse(row.name, "base");
        if (row.run_id !== null) await runs.finish(sql, row.run_id, { failure: DELETED });
        return remove(sql, row);
      });
      await removeFiles(model);
      logger.info({ model: model.name }, "deleted a model: its vectors and weights are gone");
      return model;
    },
    async cleanUp() {
      const { removed, gone } = await exclusively(async (sql) => {
        const rows = await sql.query<ModelRow>(UNNEEDED, [config.keepModels]);
        const models: ModelVersion[] = [];
        for (const row of rows) models.push(await remove(sql, row));
        return { removed: models, gone: (await sql.query<ModelRow>(LATELY_DELETED)).map(toModel) };
      });
      for (const model of gone) await removeFiles(model);
      if (removed.length > 0)
        logger.info({ models: removed.map(({ name }) => name) }, "deleted models beyond those kept");
      return removed;
    },
  };
}

/** Of a run that still waited for its model. */
const DELETED = { code: "MODEL_DELETED", message: "Its model was deleted before it was judged. Train again." };

/**
 * Those of this clean-up, and earlier ones once more: a process that was killed after its commit left their files. Every
 * clean-up of a month tries, because a missing file costs nothing to delete.
 */
const LATELY_DELETED = `
  ${SELECT_MODEL} WHERE weights_key IS NOT NULL AND deleted_at > now() - interval '30 days' ORDER BY id DESC LIMIT 100`;

/**
 * Retired versions after the first `$1` by the time they retired, candidates that the gate refused after the newest
 * `$1`, and as many whose run was cancelled: a candidate costs an embedding of every new photo. The encoder as it came
 * stays: training starts from it. So do the models of an experiment.
 */
const UNNEEDED = `
  ${SELECT_MODEL} WHERE id IN (
    SELECT id FROM (
      SELECT m.id, row_number() OVER (PARTITION BY m.state ORDER BY m.retired_at DESC NULLS LAST, m.id DESC) AS place
      FROM model_version m LEFT JOIN training_run r ON r.id = m.run_id
      WHERE m.deleted_at IS NULL AND m.id NOT IN (SELECT model_id FROM vectors.model_in_experiment) AND m.id <> (
        SELECT max(id) FROM model_version WHERE weights_key IS NULL AND state <> 'FAILED' AND deleted_at IS NULL)
      AND (m.state = 'RETIRED' OR m.state = 'FAILED' AND r.state = 'CANCELLED'
        OR m.state = 'CANDIDATE' AND r.state = 'SUCCEEDED' AND (r.gate ->> 'passed')::boolean IS FALSE)
    ) ranked WHERE place > $1::int)
  ORDER BY id`;
