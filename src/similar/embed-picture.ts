import type { PictureInput, PictureReader } from "../catalog/photos/photo-picture.js";
import type { Embedders } from "../embedding/embedder.type.js";
import type { ModelVersions } from "../models/model-version.type.js";
import { modelOfCursor } from "./cursor.js";
import type { EmbeddedPicture } from "./similar-items.type.js";

export interface EmbedPictureDependencies {
  readonly pictures: PictureReader;
  readonly embedders: Embedders;
  readonly models: Pick<ModelVersions, "active">;
}

/**
 * Reads a caller's picture and embeds it with a model version: the one of the page that `after` ends, else the one that
 * is named, else the active one. The answer says which, because another one may be active by the time it is searched with.
 * @throws BadUserInput, FetchFailed, PhotoUnreadable, ModelMissing
 */
export type EmbedPicture = (
  picture: PictureInput,
  search: { readonly after?: string; readonly modelId?: number; readonly visitor?: string },
) => Promise<EmbeddedPicture>;

export function createEmbedPicture({ pictures, embedders, models }: EmbedPictureDependencies): EmbedPicture {
  return async (picture, { after, modelId: named }) => {
    const bytes = await pictures.readPictureInput(picture);
    const paged = after === undefined ? undefined : modelOfCursor(after);
    const modelId = paged ?? named ?? (await models.active()).id;
    const embedder = await embedders.forModel(modelId);
    const [vector] = await embedder.embed([bytes]);
    if (vector instanceof Float32Array) return { modelId, vector };
    throw vector ?? new Error("The embedder gave no answer.");
  };
}
