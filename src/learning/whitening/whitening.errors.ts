import { LookalikeError } from "../../errors.js";

/** Vectors from which no axes can be found: too few, all equal, damaged, or narrower than what was asked for. */
export class VectorsUnusable extends LookalikeError {
  readonly code = "VECTORS_UNUSABLE";
}
