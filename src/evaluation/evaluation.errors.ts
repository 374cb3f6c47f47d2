import { LookalikeError } from "../errors.js";

/** No query with a relevant item in the gallery. */
export class NothingToEvaluate extends LookalikeError {
  readonly code = "NOT_ENOUGH_DATA";
}
