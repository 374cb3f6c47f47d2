import type { Config } from "../config.js";
import type { EncoderRegistry } from "../encoders/encoder.type.js";
import type { Logger } from "../logger.js";
import type { ModelVersions } from "../models/model-version.type.js";
import { createEmbedder } from "./embedder.js";
import type { Embedder, Embedders } from "./embedder.type.js";
import { EncoderStale, ModelMissing } from "./embedding.errors.js";

export interface EmbeddersDependencies {
  readonly models: Pick<ModelVersions, "find">;
  readonly encoders: Pick<EncoderRegistry, "open">;
  readonly config: Pick<Config, "device" | "maxPixels">;
  readonly logger: Logger;
  /** Cores to use; all of them when absent. */
  readonly threads?: number;
}

/**
 * The embedders of a process. Model versions with the same weights and preprocessing share one.
 * `forModel` throws ModelMissing, EncoderUnknown, EncoderStale, or what createEmbedder throws; a failure is not kept.
 */
export function createEmbedders(dependencies: EmbeddersDependencies): Embedders & { close(): Promise<void> } {
  const { models, encoders, config, logger, threads } = dependencies;
  const byModel = new Map<number, Promise<Embedder>>();
  const byDigest = new Map<string, Promise<Embedder>>();

  async function load(modelId: number): Promise<Embedder> {
    const model = await models.find(modelId);
    if (model === undefined) throw new ModelMissing(modelId);
    const known = byDigest.get(model.encoderDigest);
    if (known !== undefined) return known;
    const encoder = await encoders.open(model.encoder);
    if (encoder.digest !== model.encoderDigest) throw new EncoderStale(model.name, model.encoder);
    const { device, maxPixels } = config;
    return kept(byDigest, model.encoderDigest, () =>
      createEmbedder({ encoder, device, maxPixels, logger, ...(threads === undefined ? {} : { threads }) }),
    );
  }

  return {
    forModel: (modelId) => kept(byModel, modelId, () => load(modelId)),
    async close() {
      const loaded = await Promise.allSettled(byDigest.values());
      byModel.clear();
      byDigest.clear();
      await Promise.all(loaded.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)));
    },
  };
}

function kept<Key, Value>(cache: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  cache.set(key, made);
  made.catch(() => cache.delete(key));
  return made;
}
