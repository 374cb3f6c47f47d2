import { LookalikeError } from "../errors.js";

/** The snapshot holds too little to learn from. The message says how much is missing. */
export class NotEnoughData extends LookalikeError {
  readonly code = "NOT_ENOUGH_DATA";
}

/** A run was stopped by its signal. A checkpoint was given away before. */
export class LearningCancelled extends LookalikeError {
  readonly code = "LEARNING_CANCELLED";

  constructor(step: number) {
    super(
      `Training was stopped after step ${step}. Its last checkpoint is kept: resume the run to go on from there.`,
    );
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
