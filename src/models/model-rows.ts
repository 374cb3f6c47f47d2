import { parseManifest } from "../encoders/manifest.js";
import type { ModelState, ModelVersion } from "./model-version.type.js";

/** One row of model_version, as far as the program decides by it. */
export interface ModelRow {
  readonly id: number;
  readonly name: string;
  readonly encoder: string;
  readonly encoder_digest: string;
  readonly dims: number;
  readonly state: ModelState;
  readonly weights_key: string | null;
  readonly weights_sha256: string | null;
  readonly manifest: unknown;
}

export const MODEL_COLUMNS = "id, name, encoder, encoder_digest, dims, state, weights_key, weights_sha256, manifest";
export const SELECT_MODEL = `SELECT ${MODEL_COLUMNS} FROM model_version`;

/** Held to the end of the transaction by whoever changes which model is active, or which models there are. */
export const MODELS_LOCK = "SELECT pg_advisory_xact_lock(hashtext('lookalike model versions'))";

/** @throws EncoderBroken when a trained model's manifest in the database is not one */
export function toModel(row: ModelRow): ModelVersion {
  const {
    id,
    name,
    encoder,
    encoder_digest: encoderDigest,
    dims,
    state,
    weights_key: key,
    weights_sha256: sha256,
  } = row;
  return {
    id,
    name,
    encoder,
    encoderDigest,
    dims,
    state,
    ...(key === null || sha256 === null
      ? {}
      : { trained: { key, sha256, manifest: parseManifest(row.manifest, `model "${name}"`) } }),
  };
}
