import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.js";
import { claimFile } from "./claim-file.js";
import { DownloadCorrupt, HubRefused } from "./encoder-errors.js";
import type { HubClient, HubFile } from "./hub-client.js";

export interface DownloadProgress {
  /** Bytes on disk, those of an earlier try included. */
  readonly received: number;
  readonly total: number;
  /** Bytes that an earlier try had left. */
  readonly resumedFrom: number;
}

export interface DownloadRequest {
  readonly client: HubClient;
  readonly repository: string;
  readonly file: string;
  readonly expected: HubFile;
  /** Folder of unfinished downloads. */
  readonly folder: string;
  readonly progress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Connections that may break in a row without a new byte before giving up. */
  readonly attempts?: number;
  readonly pause?: number;
}

/**
 * Downloads a file to `folder` and verifies its size and hash. What an earlier, broken try left is continued; the
 * partial file is named by the hash, so bytes of another version are never mixed in.
 * @returns path of the complete file and its SHA-256
 * @throws HubOffline HubRefused DownloadCorrupt
 */
export async function downloadFromHub(
  request: DownloadRequest,
): Promise<{ path: string; sha256: string; resumedFrom: number }> {
  const { expected, folder } = request;
  await mkdir(folder, { recursive: true });
  const partial = path.join(folder, `${expected.hash.value}.partial`);
  // One writer a file: two processes appending to it would spoil each other's bytes.
  const lock = `${partial}.lock`;
  const claim = await claimFile(lock);
  if ("holder" in claim) {
    throw new HubRefused(
      `Process ${claim.holder} is downloading this file already. Wait for it to end; if it runs no longer, remove ${lock}.`,
      0,
    );
  }
  try {
    const resumedFrom = await sizeOf(partial, expected.size);
    await fillFile(request, partial, resumedFrom);
    const sha256 = await verify(partial, expected, `${request.repository}/${request.file}`);
    return { path: partial, sha256, resumedFrom };
  } finally {
    await claim.release();
  }
}

/** Bytes that may be continued; a file longer than the whole is no part of it. */
async function sizeOf(partial: string, total: number): Promise<number> {
  const size = await stat(partial).then(
    (facts) => facts.size,
    () => 0,
  );
  if (size <= total) return size;
  await rm(partial, { force: true });
  return 0;
}

async function fillFile(request: DownloadRequest, partial: string, resumedFrom: number): Promise<void> {
  const { client, repository, file, expected, signal, attempts = 5, pause = 500 } = request;
  let received = resumedFrom;
  let failures = 0;
  while (received < expected.size) {
    const before = received;
    let failure: unknown;
    const answer = await client.open(repository, expected.commit, file, received, signal);
    const target = await open(partial, answer.offset === 0 ? "w" : "a");
    try {
      received = answer.offset;
      for await (const chunk of answer.body) {
        received += chunk.byteLength;
        if (received > expected.size) break;
        await target.writeFile(chunk);
        request.progress?.({ received, total: expected.size, resumedFrom: Math.min(resumedFrom, received) });
      }
    } catch (error) {
      if (signal?.aborted) throw error;
      failure = error;
    } finally {
      await target.close();
    }
    if (received > expected.size) {
      await rm(partial, { force: true });
      throw new DownloadCorrupt(
        `${repository}/${file} is longer than the ${expected.size} bytes that the hub announced. Pull it again.`,
      );
    }
    failures = received > before ? 0 : failures + 1;
    if (received < expected.size && failures >= attempts) {
      const reason = failure === undefined ? "the hub ends early" : messageOf(failure);
      throw new DownloadCorrupt(
        `${repository}/${file} breaks off at ${received} of ${expected.size} bytes (${reason}). ` +
          "What has come is kept: pull again to continue.",
      );
    }
    if (failures > 0) await sleep(pause * failures, undefined, signal ? { signal } : {});
  }
}

async function verify(partial: string, expected: HubFile, what: string): Promise<string> {
  const sha256 = createHash("sha256");
  const git = createHash("sha1").update(`blob ${expected.size}\0`);
  if (expected.size > 0) {
    await pipeline(createReadStream(partial, { highWaterMark: 1 << 20 }), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        sha256.update(chunk);
        if (expected.hash.algorithm === "git-sha1") git.update(chunk);
      }
    });
  }
  const digest = sha256.digest("hex");
  const found = expected.hash.algorithm === "sha256" ? digest : git.digest("hex");
  if (found === expected.hash.value) return digest;
  await rm(partial, { force: true });
  throw new DownloadCorrupt(
    `${what} does not have the hash that the hub announced (${expected.hash.algorithm} ${found}, expected ` +
      `${expected.hash.value}). The bytes were thrown away; pull it again.`,
  );
}
