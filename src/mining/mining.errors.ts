import { LookalikeError } from "../errors.js";

/** Labels that leave nothing to compare. The message says what is missing. */
export class NothingToMine extends LookalikeError {
  readonly code = "NOT_ENOUGH_DATA";
}
