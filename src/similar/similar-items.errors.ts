import { LookalikeError } from "../errors.js";

/** No product has this id, or it was deleted. */
export class ProductNotFound extends LookalikeError {
  readonly code = "PRODUCT_NOT_FOUND";

  constructor(reference: string) {
    super(`There is no product ${JSON.stringify(reference)}. Give our id (prod_42) or the id that its source gave it.`);
  }
}

/** Several sources gave a product this id. */
export class AmbiguousProduct extends LookalikeError {
  readonly code = "AMBIGUOUS_PRODUCT";

  constructor(
    reference: string,
    readonly sources: readonly string[],
  ) {
    super(
      `${JSON.stringify(reference)} is a product of several sources: ${sources.join(", ")}. Give our id (prod_42) instead.`,
    );
  }
}
