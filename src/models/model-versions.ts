import type { Database, Sql } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import type { Vectors } from "../vectors/vectors.type.js";
import { MODEL_COLUMNS, MODELS_LOCK, type ModelRow, SELECT_MODEL, toModel } from "./model-rows.js";
import type { ModelVersion, ModelVersions } from "./model-version.type.js";
import { NoActiveModel } from "./model-versions.errors.js";
import { registerTrained } from "./register-trained.js";

export interface ModelVersionsDependencies {
  readonly database: Database;
  readonly vectors: Pick<Vectors, "createPartitions">;
  readonly logger: Logger;
}

/**
 * The model versions and their life: an encoder is registered as a base version, and the first one is active at once.
 * A base version of another digest (other weights, other preprocessing) comes as CANDIDATE beside the active one and
 * takes over in `settle`, when it has a vector of every photo that the old one has: the shelf is never empty.
 */
export function createModelVersions({ database, vectors, logger }: ModelVersionsDependencies): ModelVersions {
  return {
    async active() {
      const [row] = await database.query<ModelRow>(`${SELECT_MODEL} WHERE state = 'ACTIVE'`);
      if (row === undefined) throw new NoActiveModel();
      return toModel(row);
    },
    async base() {
      const [row] = await database.query<ModelRow>(
        `${SELECT_MODEL} WHERE weights_key IS NULL AND state IN ('ACTIVE', 'CANDIDATE', 'RETIRED') AND deleted_at IS NULL
         ORDER BY state = 'ACTIVE' DESC, id DESC LIMIT 1`,
      );
      if (row === undefined) throw new NoActiveModel();
      return toModel(row);
    },
    async find(id) {
      const [row] = await database.query<ModelRow>(`${SELECT_MODEL} WHERE id = $1::bigint AND deleted_at IS NULL`, [
        id,
      ]);
      return row && toModel(row);
    },
    async live(sql: Sql = database) {
      const rows = await sql.query<ModelRow>(`SELECT ${MODEL_COLUMNS} FROM vectors.live_model ORDER BY id`);
      return rows.map(toModel);
    },
    async ensureBase({ name, digest, dims }) {
      // Most starts find it without waiting for anybody's lock.
      const known = await findBase(database, digest);
      if (known !== undefined) return known;
      return database.transaction(async (sql) => {
        await sql.query(MODELS_LOCK);
        const raced = await findBase(sql, digest);
        if (raced !== undefined) return raced;
        const [active] = await sql.query<ModelRow>(`${SELECT_MODEL} WHERE state = 'ACTIVE'`);
        const [inserted] = await sql.query<ModelRow>(
          `INSERT INTO model_version (name, encoder, encoder_digest, dims, state, activated_at)
           SELECT 'base-' || (coalesce(max(id), 0) + 1), $1, $2, $3::int, $4::model_state, CASE WHEN $4 = 'ACTIVE' THEN now() END
           FROM model_version
           RETURNING ${MODEL_COLUMNS}`,
          [name, digest, dims, active === undefined ? "ACTIVE" : "CANDIDATE"],
        );
        const model = toModel(inserted!);
        await vectors.createPartitions(sql, model.id, dims);
        if (active === undefined) logger.info({ model: model.name, encoder: name }, "registered the base model");
        else {
          logger.warn(
            { model: model.name, encoder: name, active: active.name },
            "the encoder or its preprocessing changed: its photos are embedded again beside the active model, which answers until they are",
          );
        }
        return model;
      });
    },
    async settle() {
      return database.transaction(async (sql) => {
        await sql.query(MODELS_LOCK);
        const [next] = await sql.query<ModelRow>(COMPLETE_CANDIDATE);
        if (next === undefined) return undefined;
        await sql.query(
          "UPDATE model_version SET state = 'RETIRED', retired_at = clock_timestamp() WHERE state = 'ACTIVE'",
        );
        await sql.query(
          "UPDATE model_version SET state = 'ACTIVE', activated_at = clock_timestamp(), retired_at = NULL WHERE id = $1",
          [next.id],
        );
        logger.info({ model: next.name }, "the new base model has every vector of the old one; it answers from now on");
        return toModel({ ...next, state: "ACTIVE" });
      });
    },
    registerTrained: (sql, trained) => registerTrained(sql, { vectors, logger }, trained),
  };
}

/**
 * The newest base candidate, if a base version is active (a trained one is replaced by people only) and the candidate
 * lacks no vector that the active one has.
 */
const COMPLETE_CANDIDATE = `
  SELECT ${MODEL_COLUMNS.replace(/\w+/g, "c.$&")}
  FROM model_version c
  JOIN model_version a ON a.state = 'ACTIVE' AND a.parent_id IS NULL AND a.id < c.id
  WHERE c.state = 'CANDIDATE' AND c.parent_id IS NULL AND c.weights_key IS NULL
    AND c.id = (SELECT max(id) FROM model_version WHERE state = 'CANDIDATE' AND parent_id IS NULL)
    AND NOT EXISTS (
      SELECT 1 FROM vectors.product_vector old
      WHERE old.model_id = a.id AND NOT EXISTS (
        SELECT 1 FROM vectors.product_vector new WHERE new.model_id = c.id AND new.product_id = old.product_id))`;

/**
 * The version of an encoder that is in use. A retired one is, too, while it is the newest: a trained model took its place,
 * and its vectors are what training starts from.
 */
async function findBase(sql: Sql, digest: string): Promise<ModelVersion | undefined> {
  const [row] = await sql.query<ModelRow>(
    `SELECT ${MODEL_COLUMNS} FROM vectors.live_model m
     WHERE encoder_digest = $1 AND weights_key IS NULL AND (state <> 'RETIRED' OR id = (
       SELECT max(id) FROM vectors.live_model WHERE weights_key IS NULL))
     ORDER BY id DESC LIMIT 1`,
    [digest],
  );
  return row && toModel(row);
}
