import type { Sql } from "../database/database.type.js";
import type { EncoderManifest } from "../encoders/encoder.type.js";
import { encoderDigest } from "../encoders/manifest.js";
import type { Logger } from "../logger.js";
import type { Vectors } from "../vectors/vectors.type.js";
import { MODEL_COLUMNS, MODELS_LOCK, type ModelRow, toModel } from "./model-rows.js";
import type { ModelVersion, TrainedEncoder } from "./model-version.type.js";

/** @see ModelVersions.registerTrained */
export async function registerTrained(
  sql: Sql,
  { vectors, logger }: { readonly vectors: Pick<Vectors, "createPartitions">; readonly logger: Logger },
  trained: TrainedEncoder,
): Promise<ModelVersion> {
  await sql.query(MODELS_LOCK);
  const [next] = await sql.query<{ id: number }>(
    "SELECT nextval(pg_get_serial_sequence('model_version', 'id'))::int AS id",
  );
  const name = `trained-${next!.id}`;
  const manifest = trainedManifest(name, trained);
  const [row] = await sql.query<ModelRow>(
    `INSERT INTO model_version (id, name, encoder, encoder_digest, dims, state, parent_id, weights_key, weights_sha256,
       manifest, run_id, metrics)
     VALUES ($1::int, $2, $3, $4, $5::int, 'CANDIDATE', $6::int, $7, $8, $9::jsonb, $10::uuid, $11::jsonb)
     RETURNING ${MODEL_COLUMNS}`,
    [
      next!.id,
      name,
      trained.encoder.manifest.name,
      encoderDigest(manifest, trained.weightsSha256),
      trained.dims,
      trained.parentId,
      trained.weightsKey,
      trained.weightsSha256,
      JSON.stringify(manifest),
      trained.runId ?? null,
      JSON.stringify(trained.metrics ?? {}),
    ],
  );
  const model = toModel(row!);
  await vectors.createPartitions(sql, model.id, model.dims);
  logger.info({ model: name, encoder: model.encoder, dims: model.dims }, "registered a trained model");
  return model;
}

/** Photos become its input as they became its encoder's; its output is the vector, of unit length already. */
function trainedManifest(name: string, { encoder, dims }: TrainedEncoder): EncoderManifest {
  const { hub: _, ...base } = encoder.manifest;
  return {
    ...base,
    name,
    description: `Trained from ${base.name}`,
    model: "model.onnx",
    output: "embedding",
    pooling: "none",
    dims,
    cuts: [],
  };
}
