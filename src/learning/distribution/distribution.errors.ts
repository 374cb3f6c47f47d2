import { LookalikeError } from "../../errors.js";

/** Distances of pairs need two photos of one label and two of different ones. */
export class NotEnoughLabels extends LookalikeError {
  readonly code = "NOT_ENOUGH_DATA";
}
