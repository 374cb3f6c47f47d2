import { LookalikeError } from "../../errors.js";

/** Why the bytes are not a photo that can be embedded. Always the file's fault, so never retried. */
export const PHOTO_REASONS = {
  PHOTO_EMPTY: "The file has no bytes.",
  PHOTO_NOT_AN_IMAGE: "The content is not a picture.",
  PHOTO_FORMAT_UNSUPPORTED: "The picture has a format that is not read here.",
  PHOTO_TRUNCATED: "The picture ends before it is complete.",
  PHOTO_DAMAGED: "The picture cannot be decoded.",
  PHOTO_TOO_LARGE: "The picture is larger than is allowed.",
  PHOTO_ENCODING_INVALID: "The data URI is not valid.",
} as const;

export type PhotoReason = keyof typeof PHOTO_REASONS;

/** Bytes that cannot become a vector. `code` is the reason. */
export class PhotoUnreadable extends LookalikeError {
  readonly code: PhotoReason;
  readonly retryable = false;

  constructor(reason: PhotoReason, detail: string, options?: ErrorOptions) {
    super(`${PHOTO_REASONS[reason]} ${detail}`, options);
    this.code = reason;
  }
}
