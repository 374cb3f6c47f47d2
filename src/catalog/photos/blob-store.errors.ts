import { LookalikeError } from "../../errors.js";

/** The store does not hold this content. */
export class BlobMissing extends LookalikeError {
  readonly code = "BLOB_MISSING";
  /** Fetching the photo again brings it back. */
  readonly retryable = true;

  constructor(readonly contentHash: string) {
    super(`The photo ${contentHash} is not in the blob store. Fetch it again: refreshEmbeddings with retryFailed.`);
  }
}

/** The store holds other bytes than were written. */
export class BlobDamaged extends LookalikeError {
  readonly code = "BLOB_DAMAGED";
  /** Writing the content again replaces it. */
  readonly retryable = true;

  constructor(readonly contentHash: string) {
    super(
      `The photo ${contentHash} was changed in the blob store or cut by a crash. ` +
        "Fetch it again: refreshEmbeddings with retryFailed.",
    );
  }
}

/** The configured blob store cannot be used. */
export class BlobStoreUnavailable extends LookalikeError {
  readonly code = "BLOB_STORE_UNAVAILABLE";
}
