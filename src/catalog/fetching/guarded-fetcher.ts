import type { IncomingHttpHeaders } from "node:http";
import { Agent, type Dispatcher } from "undici";
import type { Config } from "../../config.js";
import type { Logger } from "../../logger.js";
import { createGuardedConnector, type Network, systemNetwork } from "./guarded-connector.js";
import { startDeadline, untilAborted } from "./guarded-deadline.js";
import { FetchFailed } from "./guarded-fetch.error.js";
import type { FetchOutcome, GuardedFetcher, GuardedStream, Validators } from "./guarded-fetcher.type.js";
import { createHostLimits } from "./guarded-hosts.js";
import { headerOf, isRedirect, nameFailure, openBody, statusFailure } from "./guarded-response.js";
import { describeUrl, parseGuardedUrl } from "./guarded-url.js";

const MAX_REDIRECTS = 5;
const LARGEST_STREAM = 8 * 1024 ** 3;

/** JPEG before AVIF: it decodes about ten times faster, and photos end up 224 pixels wide. */
const PHOTO_HEADERS = {
  accept: "image/jpeg,image/png,image/webp;q=0.9,image/*;q=0.8,*/*;q=0.5",
  "accept-encoding": "identity",
};
const STREAM_HEADERS = { accept: "*/*", "accept-encoding": "gzip, br" };

export type FetcherConfig = Pick<Config, "fetchAllowPrivate" | "fetchMaxBytes" | "fetchPerHost" | "fetchTimeoutMs">;

/**
 * The program's only HTTP client for addresses named by others; docs/photos.md lists what it refuses.
 * It keeps no cookies, asks no proxy, and sends no credentials.
 */
export function createGuardedFetcher(dependencies: {
  readonly config: FetcherConfig;
  readonly logger: Logger;
  /** Replaces the machine's resolver in tests. */
  readonly network?: Network;
}): GuardedFetcher {
  const { config, logger } = dependencies;
  const hosts = createHostLimits(config.fetchPerHost);
  const agent = new Agent({
    connect: createGuardedConnector({
      allowPrivate: config.fetchAllowPrivate,
      timeoutMs: config.fetchTimeoutMs,
      network: dependencies.network ?? systemNetwork,
    }),
    headersTimeout: config.fetchTimeoutMs,
    // The longest pause; the deadline limits the whole where there is one.
    bodyTimeout: config.fetchTimeoutMs,
    pipelining: 1,
  });

  const request = async (url: URL, headers: Record<string, string>, signal: AbortSignal) => {
    try {
      return await untilAborted(
        agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: "GET",
          headers: { "user-agent": "lookalike", ...headers },
          signal,
        }),
        signal,
      );
    } catch (error) {
      throw nameFailure(error, describeUrl(url), false);
    }
  };

  /** Where an answer leads, or undefined when it is no redirect. */
  const nextUrl = (from: URL, answer: Dispatcher.ResponseData, redirects: number): URL | undefined => {
    if (!isRedirect(answer.statusCode)) return undefined;
    discard(answer);
    const location = headerOf(answer.headers, "location");
    if (location === undefined) {
      throw new FetchFailed("FETCH_REDIRECT_INVALID", `${describeUrl(from)} redirects without saying where to.`);
    }
    if (redirects >= MAX_REDIRECTS) {
      throw new FetchFailed(
        "FETCH_TOO_MANY_REDIRECTS",
        `More than ${MAX_REDIRECTS} redirects up to ${describeUrl(from)}.`,
      );
    }
    return parseGuardedUrl(location, from);
  };

  const readWhole = async (
    url: URL,
    answer: Dispatcher.ResponseData,
    conditional: boolean,
    signal: AbortSignal,
  ): Promise<FetchOutcome> => {
    const { headers, statusCode } = answer;
    if (statusCode === 304 && conditional) {
      discard(answer);
      return { kind: "not-modified" };
    }
    const { content } = openAnswer(url, answer, config.fetchMaxBytes);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of content) chunks.push(chunk);
    } catch (error) {
      throw signal.aborted ? signal.reason : nameFailure(error, describeUrl(url), true);
    }
    return { kind: "fetched", bytes: Buffer.concat(chunks), ...describeContent(headers) };
  };

  return {
    async fetchBytes(address, { signal, ...validators } = {}) {
      const headers = { ...PHOTO_HEADERS, ...conditions(validators) };
      const conditional = validators.etag !== undefined || validators.lastModified !== undefined;
      let url = parseGuardedUrl(address);
      let left = config.fetchTimeoutMs;
      for (let redirects = 0; ; redirects += 1) {
        const current = url;
        // A slot is held for one hop only: two hosts that redirect to each other would wait for each other otherwise.
        const step = await hosts.run(current.host, async (): Promise<URL | FetchOutcome> => {
          const deadline = startDeadline(left, describeUrl(current), signal);
          const started = performance.now();
          try {
            const answer = await request(current, headers, deadline.signal);
            return (
              nextUrl(current, answer, redirects) ?? (await readWhole(current, answer, conditional, deadline.signal))
            );
          } finally {
            left = Math.max(1, left - (performance.now() - started));
            deadline.clear();
          }
        });
        if (!(step instanceof URL)) return step;
        logger.debug({ from: describeUrl(current), to: describeUrl(step) }, "redirected");
        url = step;
      }
    },

    async openGuarded(address, { signal, maxBytes = LARGEST_STREAM } = {}) {
      let url = parseGuardedUrl(address);
      const deadline = startDeadline(config.fetchTimeoutMs, describeUrl(url), signal);
      try {
        for (let redirects = 0; ; redirects += 1) {
          const answer = await request(url, STREAM_HEADERS, deadline.signal);
          const next = nextUrl(url, answer, redirects);
          if (next === undefined) {
            const opened = openAnswer(url, answer, maxBytes);
            deadline.stopClock();
            return streamOf(url, answer.headers, opened, deadline);
          }
          url = next;
        }
      } catch (error) {
        deadline.clear();
        throw error;
      }
    },

    close: () => agent.close(),
  };
}

/** @throws FetchFailed for a status that means one, or a body that is too large or packed in an unknown way */
function openAnswer(url: URL, answer: Dispatcher.ResponseData, maxBytes: number) {
  try {
    const failure = statusFailure(answer.statusCode, answer.headers, describeUrl(url));
    if (failure !== undefined) throw failure;
    return openBody(answer.body, answer.headers, maxBytes, describeUrl(url));
  } catch (error) {
    discard(answer);
    throw error;
  }
}

function streamOf(
  url: URL,
  headers: IncomingHttpHeaders,
  opened: ReturnType<typeof openBody>,
  deadline: ReturnType<typeof startDeadline>,
): GuardedStream {
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      yield* opened.content;
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : nameFailure(error, describeUrl(url), true);
    } finally {
      deadline.clear();
    }
  }
  const { totalBytes } = opened;
  return {
    ...describeContent(headers),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    url: url.href,
    [Symbol.asyncIterator]: chunks,
  };
}

/** Closes the connection rather than read a body that nobody wants, however long it is. */
function discard(answer: Dispatcher.ResponseData): void {
  answer.body.on("error", () => {}).destroy();
}

function conditions({ etag, lastModified }: Validators): Record<string, string> {
  return {
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(lastModified === undefined ? {} : { "if-modified-since": lastModified }),
  };
}

function describeContent(headers: IncomingHttpHeaders): { etag?: string; lastModified?: string; mime?: string } {
  const etag = validatorOf(headers, "etag");
  const lastModified = validatorOf(headers, "last-modified");
  const mime = headerOf(headers, "content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(mime === undefined || mime === "" ? {} : { mime }),
  };
}

/** A validator is stored and sent back: only what may stand in a request header. */
function validatorOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headerOf(headers, name);
  return value !== undefined && /^[\x20-\x7e]{1,512}$/.test(value) ? value : undefined;
}
