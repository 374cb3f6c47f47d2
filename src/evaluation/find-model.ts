import { BadUserInput } from "../errors.js";
import type { ModelVersion, ModelVersions } from "../models/model-version.type.js";

/**
 * The model version that a person means.
 * @param name `active`, `base` or an id
 * @throws BadUserInput, NoActiveModel
 */
export async function findModel(
  models: Pick<ModelVersions, "active" | "base" | "find">,
  name: string,
  field = "model",
): Promise<ModelVersion> {
  if (name === "active") return models.active();
  if (name === "base") return models.base();
  const model = /^\d{1,9}$/.test(name) ? await models.find(Number(name)) : undefined;
  if (model !== undefined) return model;
  throw new BadUserInput(`${field} must be active, base or the id of a model version, not ${JSON.stringify(name)}.`, [
    field,
  ]);
}
