import { LookalikeError } from "../errors.js";

/** Nothing has been embedded yet, so there is nothing to compare with. */
export class NoActiveModel extends LookalikeError {
  readonly code = "NO_ACTIVE_MODEL";

  constructor() {
    super("There is no active model version yet. Start a server or a worker once; it registers the encoder.");
  }
}

/** Some vectors are still missing after several rounds; another attempt of the job goes on. */
export class RefreshIncomplete extends LookalikeError {
  readonly code = "REFRESH_INCOMPLETE";

  constructor(model: string, reason: string | undefined) {
    super(
      reason === undefined
        ? `The catalog changes faster than the vectors of model "${model}" are made. The refresh goes on by itself.`
        : `Some photos could not be embedded for model "${model}": ${reason} The refresh goes on by itself.`,
    );
  }
}
