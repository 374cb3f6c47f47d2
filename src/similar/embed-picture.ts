import type { PictureInput, PictureReader } from "../catalog/photos/photo-picture.js";
import type { Embedders } from "../embedding/embedder.type.js";
import type { ModelVersions } from "../models/model-version.type.js";

export interface EmbedPictureDependencies {
  readonly pictures: PictureReader;
  readonly embedders: Embedders;
  readonly models: Pick<ModelVersions, "active">;
}

/**
 * Reads a caller's picture and embeds it with a model version, the active one when none is named.
 * @returns a unit vector
 * @throws BadUserInput, FetchFailed, PhotoUnreadable
 */
export type EmbedPicture = (picture: PictureInput, modelId: number | undefined) => Promise<Float32Array>;

export function createEmbedPicture({ pictures, embedders, models }: EmbedPictureDependencies): EmbedPicture {
  return async (picture, modelId) => {
    const bytes = await pictures.readPictureInput(picture);
    const embedder = await embedders.forModel(modelId ?? (await models.active()).id);
    const [vector] = await embedder.embed([bytes]);
    if (vector instanceof Float32Array) return vector;
    throw vector ?? new Error("The embedder gave no answer.");
  };
}
