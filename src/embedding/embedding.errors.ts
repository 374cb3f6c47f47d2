import { LookalikeError } from "../errors.js";

/** The device that was asked for cannot run the encoder here. */
export class DeviceUnavailable extends LookalikeError {
  readonly code = "DEVICE_UNAVAILABLE";
}

/** The encoder on disk is not the one that the model version's vectors were made with. */
export class EncoderStale extends LookalikeError {
  readonly code = "ENCODER_STALE";

  constructor(model: string, encoder: string) {
    super(
      `Model "${model}" was made with another version of the encoder "${encoder}" than is installed. ` +
        "Put the former version back, or register the new one as a model of its own.",
    );
  }
}

/** The model version is gone. */
export class ModelMissing extends LookalikeError {
  readonly code = "MODEL_NOT_FOUND";

  constructor(modelId: number) {
    super(`There is no model version ${modelId}. List them with \`lookalike models\`.`);
  }
}

/** A thread that embeds ended while it had work. */
export class EmbeddingInterrupted extends LookalikeError {
  readonly code = "EMBEDDING_INTERRUPTED";
}

/** The model version never became one. */
export class ModelFailed extends LookalikeError {
  readonly code = "MODEL_FAILED";

  constructor(model: string) {
    super(`The training or the refresh of model "${model}" failed: it has no use but to be deleted. Train again.`);
  }
}
