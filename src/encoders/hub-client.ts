import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch, type Response } from "undici";
import { messageOf } from "../errors.js";
import { HubOffline, HubRefused } from "./encoder-errors.js";

export const DEFAULT_HUB_URL = "https://huggingface.co";

export interface HubOptions {
  /** Base address of the hub; a mirror keeps the same paths. */
  readonly url: string;
  /** Bearer token for gated repositories. Sent to the hub's own origin only, never logged. */
  readonly token?: string;
  /** Times that a request is tried while the hub is busy or the connection breaks. */
  readonly attempts?: number;
  /** First pause between tries in milliseconds; it doubles. */
  readonly pause?: number;
  /** Longest silence of an open connection in milliseconds before it counts as broken. */
  readonly silence?: number;
}

/** A file of a repository at one commit, as the hub describes it. */
export interface HubFile {
  readonly commit: string;
  readonly size: number;
  /** The hub's own hash: SHA-256 of large files, git's blob SHA-1 of small ones. */
  readonly hash: { readonly algorithm: "sha256" | "git-sha1"; readonly value: string };
}

export interface HubClient {
  /**
   * Asks for a file's commit, size and hash without downloading it.
   * @throws HubOffline HubRefused
   */
  describe(repository: string, revision: string, file: string, signal?: AbortSignal): Promise<HubFile>;
  /**
   * Opens a file's bytes from `offset` on. A server that ignores the range answers from 0: see `offset` of the answer.
   * @throws HubOffline HubRefused
   */
  open(
    repository: string,
    commit: string,
    file: string,
    offset: number,
    signal?: AbortSignal,
  ): Promise<{ readonly offset: number; readonly body: AsyncIterable<Uint8Array> }>;
}

const REDIRECTS = 5;
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);
const LONGEST_PAUSE = 30_000;

/** `LOOKALIKE_HUB_URL` and `LOOKALIKE_HUB_TOKEN`, each optional. */
export function hubFromEnvironment(environment: NodeJS.ProcessEnv = process.env): HubOptions {
  const token = environment.LOOKALIKE_HUB_TOKEN;
  return { url: environment.LOOKALIKE_HUB_URL || DEFAULT_HUB_URL, ...(token ? { token } : {}) };
}

/**
 * Client of the Hugging Face hub's file protocol: `HEAD|GET {hub}/{repository}/resolve/{revision}/{file}`. The HEAD
 * answer, or the redirect in its place, carries `x-repo-commit`, `x-linked-size` and `x-linked-etag`; GET redirects to
 * a CDN that honours ranges.
 */
export function createHubClient({ url, token, attempts = 5, pause = 500, silence = 30_000 }: HubOptions): HubClient {
  const dispatcher = new Agent({ headersTimeout: silence, bodyTimeout: silence, connect: { timeout: silence } });
  const base = new URL(url.endsWith("/") ? url : `${url}/`);
  const addressOf = (repository: string, revision: string, file: string): URL =>
    new URL(
      `${repository}/resolve/${encodeURIComponent(revision)}/${file.split("/").map(encodeURIComponent).join("/")}`,
      base,
    );

  /** One request with retries; follows no redirect. */
  const request = async (
    address: URL,
    method: "HEAD" | "GET",
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response> => {
    const authorization =
      token !== undefined && address.origin === base.origin ? { authorization: `Bearer ${token}` } : {};
    for (let attempt = 1; ; attempt++) {
      let wait = Math.min(pause * 2 ** (attempt - 1), LONGEST_PAUSE);
      try {
        const response = await fetch(address, {
          method,
          dispatcher,
          redirect: "manual",
          // Compression would make sizes and ranges speak of other bytes than the file's.
          headers: { "accept-encoding": "identity", "user-agent": "lookalike", ...headers, ...authorization },
          ...(signal ? { signal } : {}),
        });
        if (!BUSY.has(response.status) || attempt >= attempts) return response;
        const asked = Number(response.headers.get("retry-after"));
        if (Number.isFinite(asked) && asked > 0) wait = Math.min(asked * 1000, LONGEST_PAUSE);
        await response.body?.cancel();
      } catch (error) {
        if (signal?.aborted) throw error;
        if (attempt >= attempts) throw new HubOffline(offlineMessage(address, base, error), { cause: error });
      }
      await sleep(wait, undefined, signal ? { signal } : {});
    }
  };

  /** Follows redirects by hand, so that the token stays with the hub and `stop` can read a redirect's own headers. */
  const follow = async (
    start: URL,
    method: "HEAD" | "GET",
    headers: Record<string, string>,
    stop: (response: Response) => boolean,
    signal?: AbortSignal,
  ): Promise<Response> => {
    let address = start;
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      const response = await request(address, method, headers, signal);
      const location = response.headers.get("location");
      if (response.status < 300 || response.status >= 400 || location === null || stop(response)) return response;
      await response.body?.cancel();
      const next = new URL(location, address);
      if (next.protocol !== "https:" && next.protocol !== base.protocol) {
        throw new HubRefused(`The hub redirects ${start.pathname} to ${next.protocol}//${next.host}: refused.`, 0);
      }
      address = next;
    }
    throw new HubRefused(`The hub redirects ${start.pathname} more than ${REDIRECTS} times.`, 0);
  };

  return {
    async describe(repository, revision, file, signal) {
      const address = addressOf(repository, revision, file);
      const response = await follow(address, "HEAD", {}, (answer) => answer.headers.has("x-linked-etag"), signal);
      if (response.status >= 400) throw refusal(response.status, repository, revision, file);
      const etag = response.headers.get("x-linked-etag") ?? response.headers.get("etag");
      const value = /^(?:W\/)?"?([0-9a-f]+)"?$/i.exec(etag ?? "")?.[1]?.toLowerCase() ?? "";
      const size = Number(
        response.headers.get("x-linked-size") ?? response.headers.get("content-length") ?? Number.NaN,
      );
      const commit = response.headers.get("x-repo-commit") ?? "";
      const algorithm = value.length === 64 ? "sha256" : value.length === 40 ? "git-sha1" : undefined;
      if (algorithm === undefined || !Number.isSafeInteger(size) || !/^[0-9a-f]{40}$/.test(commit)) {
        throw new HubRefused(
          `${base.origin} does not say commit, size and hash of ${repository}/${file}, so it cannot be verified. ` +
            "Is LOOKALIKE_HUB_URL a full mirror of the hub?",
          response.status,
        );
      }
      return { commit, size, hash: { algorithm, value } };
    },

    async open(repository, commit, file, offset, signal) {
      const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
      const response = await follow(addressOf(repository, commit, file), "GET", headers, () => false, signal);
      if (response.status === 200 && response.body) return { offset: 0, body: response.body };
      if (response.status === 206 && response.body) {
        const start = Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
        if (start === offset) return { offset, body: response.body };
        throw new HubRefused(`The hub answered another range of ${repository}/${file} than was asked for.`, 206);
      }
      await response.body?.cancel();
      throw refusal(response.status, repository, commit, file);
    },
  };
}

function refusal(status: number, repository: string, revision: string, file: string): HubRefused {
  const what = `${repository}/${file} at ${revision}`;
  switch (status) {
    case 401:
    case 403:
      return new HubRefused(
        `The hub refuses ${what} (${status}). The repository may be gated, private or gone: accept its terms on the ` +
          "hub and set LOOKALIKE_HUB_TOKEN.",
        status,
      );
    case 404:
      return new HubRefused(
        `The hub has no ${what} (404). It may have moved; an ONNX file of your own goes in with \`lookalike encoder add\`.`,
        status,
      );
    default:
      return new HubRefused(`The hub answered ${status} for ${what}. Try again later.`, status);
  }
}

/** One line, with the reason that the operating system gave. */
function offlineMessage(address: URL, base: URL, error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const reason = typeof code === "string" ? code : messageOf(cause);
  return (
    `The hub cannot be reached: ${address.host} (${reason}). Check the connection or LOOKALIKE_HUB_URL ` +
    `(now ${base.origin}); the encoder mobilenet-v2 works offline.`
  );
}
