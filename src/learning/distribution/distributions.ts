import type { Database } from "../../database/database.type.js";
import { findModel, labelReader } from "../../evaluation/index.js";
import { describeDistances, type UnitVectors } from "../../mining/index.js";
import type { ModelVersions } from "../../models/model-version.type.js";
import type { Vectors } from "../../vectors/vectors.type.js";
import { NotEnoughLabels } from "./distribution.errors.js";
import { findDistribution, saveDistribution } from "./distribution.repository.js";
import type { Distributions } from "./distribution.type.js";

export interface DistributionsDependencies {
  readonly database: Database;
  readonly vectors: Pick<Vectors, "readers">;
  readonly models: Pick<ModelVersions, "active" | "base" | "find">;
}

/** The same pairs are drawn for each model, so that reports compare. */
const SEED = 1;

/** How the distances of positive and of negative pairs lie, model by model; see `Distributions`. */
export function createDistributions({ database, vectors, models }: DistributionsDependencies): Distributions {
  return {
    async measure({ model: name, labels, split }, signal) {
      const reader = labelReader(labels);
      const model = await findModel(models, name);
      const parts: Float32Array[] = [];
      const places: number[] = [];
      const names = new Map<string, number>();
      for await (const batch of vectors.readers.read(model.id, "photos")) {
        signal?.throwIfAborted();
        for (const item of batch) {
          const label = reader.label(item);
          if (label === undefined || (split === "test" && item.split !== "TEST")) continue;
          if (!names.has(label)) names.set(label, names.size);
          places.push(names.get(label)!);
          parts.push(item.vector);
        }
      }
      if (names.size < 2 || names.size === places.length) {
        const which = split === "test" ? " of the test split" : "";
        throw new NotEnoughLabels(
          `${places.length} photos${which} with a vector of ${model.name} carry ${names.size} different labels "${labels}". ` +
            "Two labels, and one with two photos, are the least that has distances to compare.",
        );
      }
      const report = await describeDistances(joined(parts, model.dims), Int32Array.from(places), {
        seed: SEED,
        ...(signal === undefined ? {} : { signal }),
      });
      if (split === "all") await saveDistribution(database, model.id, labels, report);
      return { modelId: model.id, model: model.name, labels, report, createdAt: new Date() };
    },

    async find({ model: name, labels }) {
      labelReader(labels);
      const model = await findModel(models, name);
      const stored = await findDistribution(database, model.id, labels);
      return stored && { modelId: model.id, model: model.name, labels, ...stored };
    },
  };
}

function joined(parts: readonly Float32Array[], dims: number): UnitVectors {
  const data = new Float32Array(parts.length * dims);
  for (const [row, part] of parts.entries()) data.set(part, row * dims);
  return { data, count: parts.length, dims };
}
