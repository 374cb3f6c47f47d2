import { LookalikeError } from "../errors.js";

/** A cut is named that the graph does not have. */
export class CutUnknown extends LookalikeError {
  readonly code = "CUT_UNKNOWN";

  constructor(
    readonly cut: string,
    /** Values of the graph with names most like it. */
    readonly closest: readonly string[],
  ) {
    super(
      `The graph has no value "${cut}" to cut at. Closest: ${closest.join(", ") || "none"}. ` +
        "The encoder's manifest lists its cuts; the name of its image input trains everything.",
    );
  }
}

/** Nothing of the weights that may change lies behind the cut. */
export class NothingToTrain extends LookalikeError {
  readonly code = "NOTHING_TO_TRAIN";

  constructor(cuts: readonly string[], reason: string) {
    super(
      `Nothing to train behind ${cuts.map((cut) => `"${cut}"`).join(", ")}: ${reason}. ` +
        "Cut earlier, or add a head with weights of its own.",
    );
  }
}
