import { LookalikeError } from "../errors.js";

/** Nothing has been embedded yet, so there is nothing to compare with. */
export class NoActiveModel extends LookalikeError {
  readonly code = "NO_ACTIVE_MODEL";

  constructor() {
    super("There is no active model version yet. Start a server or a worker once; it registers the encoder.");
  }
}
