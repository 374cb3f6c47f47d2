import { LookalikeError } from "../errors.js";

/** The snapshot holds too little to learn from. The message says how much is missing. */
export class NotEnoughData extends LookalikeError {
  readonly code = "NOT_ENOUGH_DATA";
}

/** The run was asked to stop, and did, after a last checkpoint. */
export class LearningCancelled extends LookalikeError {
  readonly code = "LEARNING_CANCELLED";

  constructor(message = "The training was cancelled. Its last checkpoint is kept: resume the run to go on from it.") {
    super(message);
  }
}

/** A recipe cannot be run with what it was given. */
export class RecipeUnfit extends LookalikeError {
  readonly code = "RECIPE_UNFIT";
}

/** Prepared photos could not be kept on disk. */
export class CacheNotWritten extends LookalikeError {
  readonly code = "CACHE_NOT_WRITTEN";

  constructor(folder: string, bytes: number, reason: string, options?: ErrorOptions) {
    super(
      `Photos prepared for training need ${Math.ceil(bytes / 2 ** 20)} MiB in ${folder}: ${reason}. ` +
        "Free some space or take fewer views, then resume the run.",
      options,
    );
  }
}

/** A checkpoint of another run, encoder, snapshot or program version, or a damaged one. */
export class CheckpointMismatch extends LookalikeError {
  readonly code = "CHECKPOINT_MISMATCH";

  constructor(reason: string, options?: ErrorOptions) {
    super(`The checkpoint cannot be gone on from: ${reason}. Start a new run.`, options);
  }
}
