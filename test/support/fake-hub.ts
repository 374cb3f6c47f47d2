import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeHubFile {
  readonly repository: string;
  readonly file: string;
  readonly commit: string;
  /** What the CDN serves. */
  bytes: Buffer;
  /** What the hub says of it; of `bytes` where left out. */
  readonly announced?: { readonly sha256?: string; readonly size?: number };
  readonly gated?: boolean;
  /** Small files are no LFS: the hub itself serves them, with git's blob SHA-1 as etag. */
  readonly small?: boolean;
}

export interface RecordedRequest {
  readonly server: "hub" | "cdn";
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface FakeHub {
  readonly url: string;
  readonly requests: RecordedRequest[];
  files: FakeHubFile[];
  /** Answers that come instead of the next ones, oldest first. */
  readonly hubFailures: { status: number }[];
  /** The CDN cuts its next answers after so many bytes, oldest first. */
  readonly cuts: number[];
  /** Like `cuts`, but the connection stays open and falls silent. */
  readonly stalls: number[];
  /** The CDN answers 200 from the start whatever range is asked for. */
  ignoreRanges: boolean;
  /** Old repository name → new one, answered by a relative redirect as the hub does after a renaming. */
  readonly renamed: Map<string, string>;
  readonly token: string;
  close(): Promise<void>;
}

/**
 * A stand-in for the Hugging Face hub and its CDN on two loopback ports, which are two origins. It keeps the file
 * protocol: HEAD and GET of /{owner}/{name}/resolve/{revision}/{file} answer 302 to the CDN with x-repo-commit,
 * x-linked-size and x-linked-etag (SHA-256 in quotes); the CDN honours byte ranges and knows no authorization; gated
 * files want a bearer token; unknown ones are 404 with x-error-code.
 */
export async function startFakeHub(): Promise<FakeHub> {
  const requests: RecordedRequest[] = [];
  const state = { files: [] as FakeHubFile[], ignoreRanges: false };
  const hubFailures: { status: number }[] = [];
  const cuts: number[] = [];
  const stalls: number[] = [];
  const renamed = new Map<string, string>();
  const token = "hf_fake_token_for_tests";

  const record = (server: "hub" | "cdn", request: IncomingMessage): void => {
    const { range, authorization } = request.headers;
    requests.push({ server, method: request.method ?? "", path: request.url ?? "", range, authorization });
  };

  const cdn = createServer((request, response) => {
    record("cdn", request);
    const file = state.files.find(({ commit, file }) => request.url === `/${commit}/${file}?signature=abc`);
    if (file === undefined || request.headers.authorization !== undefined) return answer(response, 400);
    serveBytes(request, response, file.bytes, state.ignoreRanges, cuts.shift(), stalls.shift());
  });
  const cdnUrl = await listen(cdn);

  const hub = createServer((request, response) => {
    record("hub", request);
    const failure = hubFailures.shift();
    if (failure !== undefined) return answer(response, failure.status);
    const match = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(request.url ?? "");
    const [, repository = "", revision = "", name = ""] = match ?? [];
    const newName = renamed.get(repository);
    if (newName !== undefined) return answer(response, 307, { location: `/${newName}/resolve/${revision}/${name}` });
    // A branch means the first file that fits, a commit means its own.
    const file = state.files.find(
      (known) => known.repository === repository && known.file === name && ["main", known.commit].includes(revision),
    );
    const authorized = request.headers.authorization === `Bearer ${token}`;
    if (file?.gated && !authorized) return answer(response, 401, { "x-error-code": "GatedRepo" });
    if (file === undefined) return answer(response, 404, { "x-error-code": "EntryNotFound" });
    const facts = { "x-repo-commit": file.commit, "accept-ranges": "bytes" };
    if (file.small) {
      const etag = createHash("sha1").update(`blob ${file.bytes.length}\0`).update(file.bytes).digest("hex");
      response.setHeader("etag", `"${etag}"`);
      for (const [header, value] of Object.entries(facts)) response.setHeader(header, value);
      return serveBytes(request, response, file.bytes, state.ignoreRanges, cuts.shift(), stalls.shift());
    }
    const sha256 = file.announced?.sha256 ?? createHash("sha256").update(file.bytes).digest("hex");
    answer(response, 302, {
      ...facts,
      etag: '"not-the-hash-of-the-file"',
      "x-linked-etag": `"${sha256}"`,
      "x-linked-size": String(file.announced?.size ?? file.bytes.length),
      location: `${cdnUrl}/${file.commit}/${file.file}?signature=abc`,
    });
  });
  const url = await listen(hub);

  return {
    url,
    requests,
    hubFailures,
    cuts,
    stalls,
    renamed,
    token,
    get files() {
      return state.files;
    },
    set files(files) {
      state.files = files;
    },
    get ignoreRanges() {
      return state.ignoreRanges;
    },
    set ignoreRanges(value) {
      state.ignoreRanges = value;
    },
    close: async () => {
      await Promise.all([hub, cdn].map(stop));
    },
  };
}

function answer(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end();
}

function serveBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  ignoreRanges: boolean,
  cutAfter: number | undefined,
  stallAfter: number | undefined,
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(ignoreRanges ? "" : (request.headers.range ?? ""))?.[1] ?? 0);
  if (start >= bytes.length && start > 0) {
    answer(response, 416, { "content-range": `bytes */${bytes.length}` });
    return;
  }
  const part = bytes.subarray(start);
  const ranged = start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { "content-length": String(part.length), ...ranged });
  if (request.method === "HEAD") response.end();
  else if (stallAfter !== undefined) response.write(part.subarray(0, stallAfter));
  else if (cutAfter === undefined) response.end(part);
  else response.write(part.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 20));
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
