import { LookalikeError } from "../errors.js";

/** Too few products, photos or labels to learn from. The message says how many are missing. */
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
