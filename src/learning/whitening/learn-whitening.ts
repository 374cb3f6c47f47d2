import type { EncoderGraph, FeatureSpecification } from "../../training/index.js";
import { fitHalfWhitening } from "./fit-projection.js";
import type { FitOptions, Projection } from "./projection.type.js";
import { buildWhitenedModel } from "./whitened-model.js";

/** The best of 64 to 1024 on catalogs without labels: docs/decisions/150. */
const USUAL_DIMS = 256;

export interface WhiteningInput {
  readonly encoder: EncoderGraph;
  /** As in `featuresOf` or the head's recipe. */
  readonly features: readonly FeatureSpecification[];
  /** Joined features of the training photos, `[count, width]`: `Trainer.features` or a feature session. */
  readonly vectors: Float32Array;
  readonly count: number;
  readonly width: number;
  /** 256 when absent; fewer where photos or features are fewer. */
  readonly dims?: number;
  readonly options?: FitOptions;
}

export interface LearntWhitening {
  /** Photos → "embedding" `[batch, dims]`. */
  readonly model: Uint8Array;
  readonly fit: Projection;
  readonly dims: number;
}

/**
 * Phase 0, the recipe "whitening": what a catalog teaches without any label. Joined with a tuned model (`joinModels`), it
 * is the end of the recipe "growing": labels that come later are told apart by what the base sees in them.
 * @throws VectorsUnusable, TrainingUnfit
 */
export async function learnWhitening(input: WhiteningInput): Promise<LearntWhitening> {
  const { encoder, features, vectors, count, width, options } = input;
  const fit = await fitHalfWhitening(vectors, count, width, Math.min(input.dims ?? USUAL_DIMS, width), options);
  return { model: await buildWhitenedModel({ encoder, features, fit }), fit, dims: fit.dims };
}
