export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export type FetchOutcome =
  | {
      readonly kind: "fetched";
      readonly bytes: Buffer;
      readonly etag?: string;
      readonly lastModified?: string;
      /** What the server says it is, lowercase and without parameters. Never to be trusted: sniff the bytes. */
      readonly mime?: string;
    }
  | { readonly kind: "not-modified" };

/** A response body as it arrives. Leaving the loop early closes the connection. */
export interface GuardedStream extends AsyncIterable<Buffer> {
  /** Bytes that will come, when the server said so and the body is not compressed. */
  readonly totalBytes?: number;
  readonly mime?: string;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Address that answered, after redirects. */
  readonly url: string;
}

/**
 * The only way out of this program to an address that a shop, a feed or a caller named.
 * Every failure is a FetchFailed.
 */
export interface GuardedFetcher {
  /**
   * Fetches a whole body of at most `fetchMaxBytes` within `fetchTimeoutMs` (waiting for a free slot of the host not
   * counted). With validators the request is conditional.
   * @throws FetchFailed
   */
  fetchBytes(url: string, options?: Validators & { readonly signal?: AbortSignal }): Promise<FetchOutcome>;
  /**
   * Opens a body of any length (a feed): same guards, but `fetchTimeoutMs` limits the wait for the headers and each
   * pause of the body instead of the whole.
   * @param options.maxBytes of the body after decompression; 8 GiB when absent
   * @throws FetchFailed, also while the stream is read
   */
  openGuarded(
    url: string,
    options?: { readonly signal?: AbortSignal; readonly maxBytes?: number },
  ): Promise<GuardedStream>;
  close(): Promise<void>;
}
