import type { MiningPolicy } from "../../mining/index.js";
import type { HeadSpecification, LossSpecification, OptimiserSpecification } from "../../training/index.js";
import type { RecipeName } from "../learning.type.js";
import type { AugmentationSettings } from "../views/view.type.js";

/** A stretch of training with one trainer. */
export interface PhaseSettings {
  readonly steps: number;
  readonly learningRate: { readonly head: number; readonly trunk: number };
  readonly warmUpSteps: number;
  readonly labelsPerBatch: number;
  readonly photosPerLabel: number;
  /** In turn, one an epoch: the seed alternates two. */
  readonly losses: readonly LossSpecification[];
}

/** Everything that decides how a run learns. Plain data, kept in its checkpoints. */
export interface Recipe {
  readonly name: Exclude<RecipeName, "auto">;
  /** Values behind which everything trains. */
  readonly cut: string;
  readonly head: HeadSpecification;
  readonly optimiser: OptimiserSpecification;
  /** Decay of the averaged weights, and what is validated and exported. */
  readonly averaging: number;
  readonly clipNorm: number;
  /** Views kept of a training photo, the plain one included. */
  readonly views: number;
  readonly augmentation: AugmentationSettings;
  /** The head alone on features of the plain photos. */
  readonly headPhase: PhaseSettings | undefined;
  readonly trunkPhase: (PhaseSettings & { readonly stage: "trunk" | "full" }) | undefined;
  /** Epochs of the last phase: after each the run is validated, mined and saved. */
  readonly epochs: number;
  /** Photos that most of their neighbours contradict are left out from this share of the last phase's steps on. */
  readonly cleaning: { readonly at: number; readonly neighbours: number; readonly agreement: number } | undefined;
  /** Partners mined over the whole catalog after each epoch, and how many of them an anchor meets. */
  readonly mining:
    | {
        readonly policy: MiningPolicy;
        readonly injectPositives: number;
        readonly injectNegatives: number;
        readonly trim: number;
      }
    | undefined;
  /** Share of the tuned vectors where they are joined with the whitened base. */
  readonly tunedShare: number | undefined;
  /** Vectors are the mean over photo and mirrored photo. */
  readonly flipAveraging: boolean;
}
