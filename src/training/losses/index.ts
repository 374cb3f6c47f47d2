import { infoNceLoss } from "./info-nce.js";
import type { DistanceName, LossBuilder } from "./loss.type.js";
import { type MultiSimilaritySettings, multiSimilarityLoss } from "./multi-similarity.js";
import { type TripletSelection, tripletLoss } from "./triplet.js";

export type { DistanceName, LossBuilder, LossInputs, LossOutputs } from "./loss.type.js";
export type { TripletSelection } from "./triplet.js";

/** A loss by name and settings, as a recipe or a caller writes it down. */
export type LossSpecification =
  | {
      readonly name: "triplet";
      readonly selection: TripletSelection;
      readonly margin: number | "soft";
      readonly distance?: DistanceName;
    }
  | ({ readonly name: "multi-similarity" } & Partial<MultiSimilaritySettings>)
  | { readonly name: "info-nce"; readonly temperature?: number };

export function lossOf(specification: LossSpecification): LossBuilder {
  switch (specification.name) {
    case "triplet":
      return tripletLoss({ distance: "cosine", ...specification });
    case "multi-similarity":
      return multiSimilarityLoss(specification);
    case "info-nce":
      return infoNceLoss(specification);
  }
}
