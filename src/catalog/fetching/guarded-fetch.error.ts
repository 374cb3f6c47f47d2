import { LookalikeError } from "../../errors.js";

/** Reason → whether it is the network's or the server's fault, so that trying again later can help. */
const RETRYABLE = {
  FETCH_ADDRESS_REFUSED: false,
  FETCH_CANCELLED: true,
  FETCH_CONNECTION_FAILED: true,
  FETCH_CREDENTIALS_REFUSED: false,
  FETCH_DNS_FAILED: true,
  FETCH_DOWNGRADE_REFUSED: false,
  FETCH_ENCODING_REFUSED: false,
  FETCH_INCOMPLETE: true,
  FETCH_NOT_FOUND: false,
  FETCH_PORT_REFUSED: false,
  FETCH_PROTOCOL_BROKEN: true,
  FETCH_REDIRECT_INVALID: false,
  FETCH_SCHEME_REFUSED: false,
  FETCH_STATUS_REFUSED: false,
  FETCH_TIMEOUT: true,
  FETCH_TLS_FAILED: true,
  FETCH_TOO_LARGE: false,
  FETCH_TOO_MANY_REDIRECTS: false,
  FETCH_UNAVAILABLE: true,
  FETCH_URL_INVALID: false,
} as const;

export type FetchReason = keyof typeof RETRYABLE;

/** Something at an address could not be fetched, or must not be. `code` is the reason. */
export class FetchFailed extends LookalikeError {
  readonly code: FetchReason;
  readonly retryable: boolean;
  /** HTTP status, when a server answered. */
  readonly status?: number;
  /** How long the server asks us to stay away. */
  readonly retryAfterSeconds?: number;

  constructor(
    code: FetchReason,
    message: string,
    details: { readonly status?: number; readonly retryAfterSeconds?: number | undefined } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
    if (details.status !== undefined) this.status = details.status;
    if (details.retryAfterSeconds !== undefined) this.retryAfterSeconds = details.retryAfterSeconds;
  }
}
