import { LookalikeError } from "../errors.js";

/** Weights that are infinite or not numbers: nothing can be learnt from them. */
export class WeightsNotFinite extends LookalikeError {
  readonly code = "WEIGHTS_NOT_FINITE";

  constructor(
    readonly weight: string,
    index: number,
  ) {
    super(
      `The weight "${weight}" holds a number that is infinite or none (element ${index}). ` +
        "The file is damaged or comes from a run that diverged: download or export the model again.",
    );
  }
}

/** A batch that holds no triplet, or does not fit the training graph. */
export class BatchUnusable extends LookalikeError {
  readonly code = "BATCH_UNUSABLE";
}

/** Loss or gradients became infinite or not numbers. The weights were not touched. */
export class TrainingDiverged extends LookalikeError {
  readonly code = "TRAINING_DIVERGED";

  constructor(step: number, what: string) {
    super(
      `Step ${step}: ${what} is not a finite number. The weights are those before this step. ` +
        "Go on from the last checkpoint with a lower learning rate or gradient clipping.",
    );
  }
}

/** A head, feature or option that does not fit the encoder. */
export class TrainingUnfit extends LookalikeError {
  readonly code = "TRAINING_UNFIT";
}

/** A trainer was used after its memory had been freed. */
export class TrainerDisposed extends LookalikeError {
  readonly code = "TRAINER_DISPOSED";

  constructor() {
    super("The trainer was disposed of. Create another one, and restore the state of this one if you kept it.");
  }
}

/** A saved state of another training graph. */
export class StateMismatch extends LookalikeError {
  readonly code = "TRAINING_STATE_MISMATCH";

  constructor(reason: string, options?: ErrorOptions) {
    super(
      `The saved state does not belong to this training: ${reason}. ` +
        "Resume with the encoder, cut, head and optimiser that it was saved with.",
      options,
    );
  }
}

/** The training step does not fit the memory that it may use. */
export class MemoryTooSmall extends LookalikeError {
  readonly code = "TRAINING_MEMORY_TOO_SMALL";

  constructor(
    allowedBytes: number,
    neededBytes: number,
    batch: number,
    /** The largest batch that would fit; `undefined` where none does. */
    readonly fits: number | undefined,
  ) {
    const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    super(
      `Training with batches of ${batch} needs about ${mebibytes(neededBytes)}, ${mebibytes(allowedBytes)} are allowed. ` +
        (fits === undefined
          ? "No batch fits: cut later, use smaller pictures, or allow more memory."
          : `A batch of ${fits} would fit; or cut later, use smaller pictures, or allow more memory.`),
    );
  }
}

/** A node failed on the device: when the trainer tries its step, or in the middle of one. The weights were not touched. */
export class DeviceCannotRun extends LookalikeError {
  readonly code = "DEVICE_CANNOT_RUN";

  constructor(
    device: string,
    readonly operator: string,
    readonly node: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `${device} cannot run ${operator} (node "${node}"): ${reason}. Nothing was trained in this step. ` +
        'Train on the device "cpu", choose a later cut, or take a smaller batch.',
      options,
    );
  }
}
