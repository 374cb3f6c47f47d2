import { joinModels, reduceModel } from "../export/join-models.js";
import { fitReduction } from "./fit-projection.js";
import { learnWhitening, type WhiteningInput } from "./learn-whitening.js";
import { joinVectors, projectVectors } from "./project-vectors.js";

/** Photos for each dimension that is kept from which on the joint vectors are reduced: fewer do not show what matters. */
const PHOTOS_PER_DIMENSION = 4;

export interface TunedModel {
  /** `Trainer.export`. */
  readonly model: Uint8Array;
  /** Its vectors of the photos that the base is fitted on, in the same order, `[count, dims]`. */
  readonly vectors: Float32Array;
  readonly dims: number;
}

export interface JoinedModel {
  readonly model: Uint8Array;
  readonly dims: number;
  /** What the model gives photos, of their tuned vectors and their joined features. */
  vectorsOf(tuned: Float32Array, features: Float32Array): Promise<Float32Array>;
}

/**
 * The end of the recipe "growing": a tuned model joined with the whitened base, so that labels that come later are told
 * apart by what the base sees in them. Brought back to as many dimensions as the tuned model has, which costs nothing
 * where photos are many (docs/decisions/151).
 * @throws VectorsUnusable, ModelsUnfit
 */
export async function joinWithWhitenedBase(
  tuned: TunedModel,
  tunedShare: number,
  base: WhiteningInput,
): Promise<JoinedModel> {
  const { model: whitened, fit } = await learnWhitening(base);
  const joined = joinModels(tuned.model, whitened, [tunedShare, 1 - tunedShare]);
  const width = tuned.dims + fit.dims;
  const whole = async (own: Float32Array, features: Float32Array) => {
    const projected = await projectVectors(features, features.length / base.width, fit, base.options?.threads);
    return joinVectors({ data: own, dims: tuned.dims }, { data: projected, dims: fit.dims }, tunedShare);
  };
  if (base.count < PHOTOS_PER_DIMENSION * tuned.dims) return { model: joined, dims: width, vectorsOf: whole };
  const vectors = await whole(tuned.vectors, base.vectors);
  const reduction = await fitReduction(vectors, base.count, width, tuned.dims, base.options);
  return {
    model: reduceModel(joined, reduction),
    dims: reduction.dims,
    async vectorsOf(own, features) {
      const rows = await whole(own, features);
      return projectVectors(rows, rows.length / width, reduction, base.options?.threads);
    },
  };
}
