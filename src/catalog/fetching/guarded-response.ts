import type { IncomingHttpHeaders } from "node:http";
import { pipeline, type Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { messageOf } from "../../errors.js";
import { FetchFailed, type FetchReason } from "./guarded-fetch.error.js";

/** A server that asks for more is asked again after this long. */
const LONGEST_RETRY_AFTER_SECONDS = 86_400;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The value of a header that may stand only once. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), at most a day; undefined when absent, past or unreadable. */
export function retryAfterSeconds(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : Math.ceil((Date.parse(value) - now) / 1000);
  return seconds > 0 ? Math.min(seconds, LONGEST_RETRY_AFTER_SECONDS) : undefined;
}

/** The failure that a status means, or undefined for one that comes with content. */
export function statusFailure(status: number, headers: IncomingHttpHeaders, what: string): FetchFailed | undefined {
  // 204 and 205 are content of no bytes.
  if (status === 200 || status === 203 || status === 204 || status === 205) return undefined;
  const details = { status, retryAfterSeconds: retryAfterSeconds(headerOf(headers, "retry-after")) };
  const answered = `${what} answered ${status}`;
  if (status === 404 || status === 410) {
    return new FetchFailed("FETCH_NOT_FOUND", `${answered}: nothing is there. Correct the address.`, details);
  }
  // 202 is how image services say that the picture is still being made.
  if (status === 202 || status === 408 || status === 425 || status === 429 || status >= 500) {
    return new FetchFailed("FETCH_UNAVAILABLE", `${answered}. It is tried again later.`, details);
  }
  if (status === 304 || status === 206) {
    return new FetchFailed("FETCH_PROTOCOL_BROKEN", `${answered} to a request that did not ask for it.`, details);
  }
  return new FetchFailed("FETCH_STATUS_REFUSED", `${answered}. The address must be open to this server.`, details);
}

function decompressor(encoding: string, what: string): Transform | undefined {
  switch (encoding) {
    case "":
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip();
    case "deflate":
      return zlib.createInflate();
    case "br":
      return zlib.createBrotliDecompress();
    default:
      throw new FetchFailed("FETCH_ENCODING_REFUSED", `${what} came as "${encoding.slice(0, 40)}": use gzip or none.`);
  }
}

async function* atMost(source: AsyncIterable<Buffer>, maxBytes: number, what: string): AsyncGenerator<Buffer> {
  let seen = 0;
  for await (const chunk of source) {
    seen += chunk.length;
    if (seen > maxBytes) throw tooLarge(what, maxBytes);
    yield chunk;
  }
}

function tooLarge(what: string, maxBytes: number): FetchFailed {
  return new FetchFailed("FETCH_TOO_LARGE", `${what} is larger than the ${maxBytes} bytes that are allowed.`);
}

/**
 * The body, decompressed, bounded on both sides of the decompression: a few packed kilobytes can be gigabytes, and an
 * endless packed stream can be nothing at all.
 * @returns the content, and its length when the server said it
 * @throws FetchFailed at once when the announced length is too large
 */
export function openBody(
  body: Readable,
  headers: IncomingHttpHeaders,
  maxBytes: number,
  what: string,
): { readonly content: AsyncIterable<Buffer>; readonly totalBytes?: number } {
  const announced = Number(headerOf(headers, "content-length") ?? Number.NaN);
  if (announced > maxBytes) throw tooLarge(what, maxBytes);
  const decoder = decompressor((headerOf(headers, "content-encoding") ?? "").trim().toLowerCase(), what);
  const raw = atMost(body, maxBytes, what);
  if (decoder === undefined)
    return Number.isNaN(announced) ? { content: raw } : { content: raw, totalBytes: announced };
  // The reader of the decoder sees the error; the callback only keeps it from being unhandled.
  pipeline(raw, decoder, () => {});
  return { content: atMost(decoder, maxBytes, what) };
}

/**
 * Puts a name to whatever undici, Node or zlib threw.
 * @param answered whether the headers were there already
 */
export function nameFailure(error: unknown, what: string, answered: boolean): FetchFailed {
  if (error instanceof FetchFailed) return error;
  // undici names its parser's errors but does not always number them.
  const code =
    error instanceof Error ? ("code" in error && error.code !== undefined ? String(error.code) : error.name) : "";
  const reason = reasonOf(code, answered);
  return new FetchFailed(reason, `${what} could not be fetched: ${messageOf(error) || code}.`, {}, { cause: error });
}

function reasonOf(code: string, answered: boolean): FetchReason {
  if (/^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/.test(code)) return "FETCH_TIMEOUT";
  if (/^(ENOTFOUND|EAI_)/.test(code)) return "FETCH_DNS_FAILED";
  if (/CERT|^ERR_(TLS|SSL)|^EPROTO$|^UNABLE_TO_|SIGNATURE/.test(code)) return "FETCH_TLS_FAILED";
  if (/^(HTTPParserError|HPE_|Z_|ERR__ERROR|ERR_BROTLI|ERR_PADDING|UND_ERR_HEADERS_OVERFLOW)/.test(code))
    return "FETCH_PROTOCOL_BROKEN";
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && !answered) return "FETCH_PROTOCOL_BROKEN";
  return answered ? "FETCH_INCOMPLETE" : "FETCH_CONNECTION_FAILED";
}
