import { LookalikeError } from "../../errors.js";

/** Models that cannot be put together as asked. */
export class ModelsUnfit extends LookalikeError {
  readonly code = "MODELS_UNFIT";
}
