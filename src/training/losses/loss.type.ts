import type { GraphBuilder, Value } from "../../onnx/index.js";

/** What a loss compares. Candidates are the batch itself, then what the cross-batch memory holds. */
export interface LossInputs {
  /** `[batch, dim]`, unit length. */
  readonly embeddings: Value;
  /** int32 `[batch]`. */
  readonly labels: Value;
  /**
   * float32 `[batch]`, 1 or 0: 0 for an injected hard positive, which is compared with but takes no turn as anchor.
   */
  readonly anchors?: Value;
  /** Embeddings of earlier batches (Wang et al. 2020, cross-batch memory); no gradient flows into them. */
  readonly memory?: {
    /** `[slots, dim]`, unit length. */
    readonly embeddings: Value;
    /** int32 `[slots]`; −1 marks an empty slot. */
    readonly labels: Value;
  };
}

export interface LossOutputs {
  /** One number, `[]`: the mean over what counted; 0 and not NaN where nothing did (a batch of one label). */
  readonly loss: Value;
  /** One number, `[]`: the share of possible terms that still have a loss. Near 0: nothing left to learn here. */
  readonly active: Value;
}

export type LossBuilder = (inputs: LossInputs, graph: GraphBuilder) => LossOutputs;

/** cosine: 1 − s. euclidean: √(2 − 2s), the length of the difference of two unit vectors. */
export type DistanceName = "cosine" | "euclidean";
