import { LookalikeError } from "../../errors.js";

/** A candidate whose run kept no snapshot: nobody knows what it has not learned from. */
export class SnapshotMissing extends LookalikeError {
  readonly code = "ARTEFACT_MISSING";

  constructor(runId: string) {
    super(
      `The snapshot of training run ${runId} is gone, so its model cannot be judged on what it has not learned from. ` +
        "Promote it by hand with force, or train again.",
    );
  }
}
