import type { Config } from "../config.js";
import type { EncoderRegistry, InstalledEncoder } from "../encoders/encoder.type.js";
import type { Logger } from "../logger.js";
import type { ArtefactStore } from "../models/artefact-store.type.js";
import type { ModelVersion, ModelVersions } from "../models/model-version.type.js";
import { createEmbedder } from "./embedder.js";
import type { Embedder, Embedders } from "./embedder.type.js";
import { EncoderStale, ModelFailed, ModelMissing } from "./embedding.errors.js";
import { fetchTrained } from "./trained-weights.js";

export interface EmbeddersDependencies {
  readonly models: Pick<ModelVersions, "find">;
  readonly encoders: Pick<EncoderRegistry, "open">;
  readonly artefacts: Pick<ArtefactStore, "read">;
  readonly config: Pick<Config, "device" | "maxPixels" | "data">;
  readonly logger: Logger;
  /** Cores to use; all of them when absent. */
  readonly threads?: number;
}

/**
 * Encoders that stay loaded: the active model, a candidate, the base and the one to roll back to. Each takes a session a
 * lane, and a process that lives through many trainings would keep all of them.
 */
const MOST_LOADED = 4;

/**
 * The embedders of a process. Model versions with the same weights and preprocessing share one; of more than four the
 * one that was asked for longest ago is closed.
 * `forModel` throws ModelMissing, ModelFailed, EncoderUnknown, EncoderStale, ArtefactMissing, ArtefactDamaged, or what
 * createEmbedder throws; a failure is not kept.
 */
export function createEmbedders(dependencies: EmbeddersDependencies): Embedders & { close(): Promise<void> } {
  const { models, encoders, config, logger, threads } = dependencies;
  /** Digest by model; a version never changes its own. */
  const digests = new Map<number, string>();
  /** By digest, the one that was asked for last at the end. */
  const loaded = new Map<string, Promise<Embedder>>();

  async function encoderOf(model: ModelVersion): Promise<InstalledEncoder> {
    if (model.trained !== undefined) return fetchTrained(model, model.trained, dependencies);
    const encoder = await encoders.open(model.encoder);
    if (encoder.digest !== model.encoderDigest) throw new EncoderStale(model.name, model.encoder);
    return encoder;
  }

  async function load(model: ModelVersion): Promise<Embedder> {
    const encoder = await encoderOf(model);
    const { device, maxPixels } = config;
    return createEmbedder({ encoder, device, maxPixels, logger, ...(threads === undefined ? {} : { threads }) });
  }

  function keep(digest: string, embedder: Promise<Embedder>): Promise<Embedder> {
    loaded.delete(digest);
    loaded.set(digest, embedder);
    for (const [oldest, old] of loaded) {
      if (loaded.size <= MOST_LOADED) break;
      loaded.delete(oldest);
      // It finishes what it was given before it closes.
      old.then((unused) => unused.close()).catch(() => undefined);
    }
    return embedder;
  }

  return {
    async forModel(modelId) {
      const digest = digests.get(modelId);
      const known = digest === undefined ? undefined : loaded.get(digest);
      if (digest !== undefined && known !== undefined) return keep(digest, known);
      const model = await models.find(modelId);
      if (model === undefined) throw new ModelMissing(modelId);
      if (model.state === "FAILED") throw new ModelFailed(model.name);
      digests.set(modelId, model.encoderDigest);
      const shared = loaded.get(model.encoderDigest);
      if (shared !== undefined) return keep(model.encoderDigest, shared);
      const embedder = load(model);
      embedder.catch(() => {
        if (loaded.get(model.encoderDigest) === embedder) loaded.delete(model.encoderDigest);
      });
      return keep(model.encoderDigest, embedder);
    },
    async close() {
      const ended = await Promise.allSettled(loaded.values());
      loaded.clear();
      await Promise.all(ended.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)));
    },
  };
}
