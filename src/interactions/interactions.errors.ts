import { LookalikeError } from "../errors.js";

/** The token was not made by this server, or was changed. */
export class AttributionInvalid extends LookalikeError {
  readonly code = "ATTRIBUTION_INVALID";

  constructor(options?: ErrorOptions) {
    super("This is no attributionToken of an answer of this server. Send it as the answer gave it.", options);
  }
}

/** The answer is too long ago for an event to be due to it. */
export class AttributionExpired extends LookalikeError {
  readonly code = "ATTRIBUTION_EXPIRED";

  constructor(days: number) {
    super(`The answer is more than ${days} days old: what happens now is not attributed to it.`);
  }
}

/** An event names a product that is not there. */
export class InteractionProductUnknown extends LookalikeError {
  readonly code = "PRODUCT_NOT_FOUND";

  constructor(reference: string) {
    super(`There is no product ${JSON.stringify(reference.slice(0, 80))}. Send the id as the answer gave it.`);
  }
}
