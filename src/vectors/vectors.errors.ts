import { LookalikeError } from "../errors.js";

/** A model version whose vectors were dropped, or never made. */
export class ModelVectorsGone extends LookalikeError {
  readonly code = "MODEL_VECTORS_GONE";

  constructor(
    readonly modelId: number,
    options?: ErrorOptions,
  ) {
    super(`Model version ${modelId} has no vectors any more. Ask again without naming it.`, options);
  }
}

/** Vectors of another length than the model's. */
export class VectorLengthWrong extends LookalikeError {
  readonly code = "VECTOR_LENGTH_WRONG";

  constructor(modelId: number, options?: ErrorOptions) {
    super(
      `A vector does not have the dimensions of model version ${modelId}. It was made by another encoder; embed again.`,
      options,
    );
  }
}
