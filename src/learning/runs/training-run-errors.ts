import { LookalikeError } from "../../errors.js";
import type { TrainingState } from "./training-run.type.js";

/** No run has this id. */
export class TrainingRunNotFound extends LookalikeError {
  readonly code = "TRAINING_RUN_NOT_FOUND";

  constructor(reference: string) {
    super(`There is no training run ${JSON.stringify(reference.slice(0, 80))}. \`lookalike runs\` lists them.`);
  }
}

/** The run has ended, so there is nothing to stop. */
export class TrainingRunEnded extends LookalikeError {
  readonly code = "TRAINING_RUN_ENDED";

  constructor(state: TrainingState, finishedAt: Date | null) {
    super(`The run has ended already: ${state}${finishedAt ? ` at ${finishedAt.toISOString()}` : ""}.`);
  }
}

/** The run was asked to stop before, and is about to. */
export class CancelRequestedAlready extends LookalikeError {
  readonly code = "CANCEL_REQUESTED_ALREADY";

  constructor(requestedAt: Date) {
    super(`The run was asked to stop at ${requestedAt.toISOString()} already; it ends within seconds.`);
  }
}

/** Only runs that failed or were cancelled go on. */
export class TrainingRunNotResumable extends LookalikeError {
  readonly code = "TRAINING_RUN_NOT_RESUMABLE";

  constructor(state: TrainingState) {
    super(
      state === "SUCCEEDED"
        ? "The run has succeeded: there is nothing to go on with. Start a new one."
        : `The run is ${state} and goes on by itself.`,
    );
  }
}

/** Another worker has the run, or it was ended meanwhile: what this attempt still writes must not count. */
export class TrainingRunLost extends LookalikeError {
  readonly code = "TRAINING_RUN_LOST";

  constructor() {
    super("The run was ended, or taken over by another worker; this attempt stops.");
  }
}

/** The trainer process ended without saying why. */
export class TrainerCrashed extends LookalikeError {
  readonly code = "TRAINER_CRASHED";
}

/** The trainer process said why it failed, by a code of the error that it met. */
export class TrainerFailed extends LookalikeError {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  /** Whether trying again may help: nobody foresaw it, or somebody else than its worker stopped it. */
  get isUnforeseen(): boolean {
    return this.code === "INTERNAL_ERROR" || this.code === "LEARNING_CANCELLED";
  }
}

/** The encoder's file is not the one that the run's base model was registered with. */
export class EncoderChanged extends LookalikeError {
  readonly code = "ENCODER_CHANGED";

  constructor(encoder: string) {
    super(
      `The encoder ${encoder} has changed since the run was started. Restart the worker, so that its new form becomes ` +
        "the base model, and start the training again.",
    );
  }
}

/** Every attempt ended early. */
export class TrainingGivenUp extends LookalikeError {
  readonly code = "TRAINING_GIVEN_UP";

  constructor(reason: string) {
    super(
      `Every attempt ended early; the last one: ${reason}. The last checkpoint is kept: look into the worker's log, ` +
        "then resume the run.",
    );
  }
}
