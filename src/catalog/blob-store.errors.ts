import { LookalikeError } from "../errors.js";

/** The store does not hold this content. */
export class BlobMissing extends LookalikeError {
  readonly code = "BLOB_MISSING";

  constructor(readonly contentHash: string) {
    super(`The photo ${contentHash} is not in the blob store. Fetch it again with refreshEmbeddings.`);
  }
}

/** The store holds other bytes than were written. */
export class BlobDamaged extends LookalikeError {
  readonly code = "BLOB_DAMAGED";

  constructor(readonly contentHash: string) {
    super(
      `The photo ${contentHash} was changed in the blob store or cut by a crash. ` +
        "Delete it there and fetch it again with refreshEmbeddings.",
    );
  }
}

/** The configured blob store cannot be used. */
export class BlobStoreUnavailable extends LookalikeError {
  readonly code = "BLOB_STORE_UNAVAILABLE";
}
