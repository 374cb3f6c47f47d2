import { LookalikeError } from "../../errors.js";

export type FeedReason =
  | "FEED_NOT_FOUND"
  | "FEED_EMPTY"
  | "FEED_TRUNCATED"
  | "FEED_BROKEN"
  | "FEED_NOT_UTF8"
  | "FORMAT_UNKNOWN"
  | "WRONG_FORMAT"
  | "MISSING_COLUMN"
  | "XML_ENTITIES_REFUSED"
  | "LOCATION_REFUSED";

/** A feed that cannot be read, or not any further. What stood before the place is imported. */
export class FeedUnreadable extends LookalikeError {
  readonly code: FeedReason;

  constructor(
    reason: FeedReason,
    message: string,
    readonly line?: number,
    options?: ErrorOptions,
  ) {
    super(line === undefined ? message : `Line ${line}: ${message}`, options);
    this.code = reason;
  }
}
