import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../errors.js";
import { FeedUnreadable } from "./feed-unreadable.error.js";

/** Enough of a feed's beginning to tell its format. */
const HEAD_BYTES = 16 * 1024;

/** Bytes of a feed behind an address, through the guarded fetcher. */
export type OpenUrl = (
  url: string,
  options?: { readonly signal?: AbortSignal },
) => Promise<AsyncIterable<Buffer> & { readonly totalBytes?: number }>;

/** A feed that is open for reading once, unpacked when it was gzipped. */
export interface FeedSource {
  readonly kind: "file" | "url";
  /** Name of the file, for its extension. */
  readonly name: string;
  /** For a file: the folder in which its photos may lie, without symlinks. */
  readonly folder?: string;
  /** Of the file as it lies there, gzipped or not. */
  readonly totalBytes?: number;
  /** How far it has been read, in the same bytes. */
  bytesRead(): number;
  /** The first bytes, unpacked, without a byte order mark. */
  readonly head: Buffer;
  /** All bytes, the head included. Leaving the loop early closes the source. */
  readonly chunks: AsyncIterable<Buffer>;
}

export interface FolderSource {
  readonly kind: "folder";
  /** Without symlinks. */
  readonly folder: string;
}

export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/**
 * Opens a path or an http(s) address.
 * @throws FeedUnreadable, and what `openUrl` throws
 */
export async function openFeedSource(
  location: string,
  { openUrl, signal }: { readonly openUrl?: OpenUrl; readonly signal?: AbortSignal },
): Promise<FeedSource | FolderSource> {
  if (isUrl(location)) {
    if (!openUrl) throw new FeedUnreadable("LOCATION_REFUSED", "Feeds from an address are not read here.");
    const body = await openUrl(location, signal ? { signal } : {});
    const totals = body.totalBytes === undefined ? {} : { totalBytes: body.totalBytes };
    return openBytes(body, { kind: "url", name: path.posix.basename(new URL(location).pathname), ...totals });
  }
  const file = await realpath(location).catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const message = isMissing ? `${location} does not exist.` : `${location} cannot be opened: ${messageOf(error)}.`;
    throw new FeedUnreadable("FEED_NOT_FOUND", message, undefined, { cause: error });
  });
  const found = await stat(file);
  if (found.isDirectory()) return { kind: "folder", folder: file };
  if (!found.isFile()) throw new FeedUnreadable("FEED_NOT_FOUND", `${location} is neither a file nor a folder.`);
  const bytes = createReadStream(file, signal ? { signal } : {});
  return openBytes(bytes, {
    kind: "file",
    name: path.basename(location),
    folder: path.dirname(file),
    totalBytes: found.size,
  });
}

async function openBytes(
  bytes: AsyncIterable<Buffer>,
  about: Pick<FeedSource, "kind" | "name" | "folder" | "totalBytes">,
): Promise<FeedSource> {
  let read = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      read += chunk.length;
      yield chunk;
    }
  }
  const packed = counted();
  const start = await take(packed, 2);
  const isGzip = start.bytes[0] === 0x1f && start.bytes[1] === 0x8b;
  const plain = isGzip ? gunzip(resume(start, packed)) : resume(start, packed);
  const first = await take(plain, HEAD_BYTES);
  if (first.bytes.length === 0) throw new FeedUnreadable("FEED_EMPTY", `${about.name} is empty.`);
  const head = withoutByteOrderMark(first.bytes, about.name);
  return {
    ...about,
    head: head.subarray(0, HEAD_BYTES),
    bytesRead: () => read,
    chunks: resume({ bytes: head, ended: first.ended }, plain),
  };
}

interface Beginning {
  readonly bytes: Buffer;
  readonly ended: boolean;
}

async function take(chunks: AsyncGenerator<Buffer>, atLeast: number): Promise<Beginning> {
  const taken: Buffer[] = [];
  let length = 0;
  while (length < atLeast) {
    const next = await chunks.next();
    if (next.done) return { bytes: Buffer.concat(taken), ended: true };
    taken.push(next.value);
    length += next.value.length;
  }
  return { bytes: Buffer.concat(taken), ended: false };
}

async function* resume({ bytes, ended }: Beginning, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (bytes.length > 0) yield bytes;
    if (!ended) yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

async function* gunzip(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacked = createGunzip();
  // Errors reach the reader of `unpacked`; the callback only keeps them from being thrown a second time.
  pipeline(Readable.from(packed, { objectMode: false }), unpacked, () => {});
  try {
    for await (const chunk of unpacked) yield chunk as Buffer;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("Z_")) throw error;
    if (code === "Z_BUF_ERROR") {
      const message = "The gzipped feed ends before it is complete. Fetch or copy it again.";
      throw new FeedUnreadable("FEED_TRUNCATED", message, undefined, { cause: error });
    }
    const message = `The gzipped feed is damaged: ${messageOf(error)}. Fetch or copy it again.`;
    throw new FeedUnreadable("FEED_BROKEN", message, undefined, { cause: error });
  }
}

function withoutByteOrderMark(bytes: Buffer, name: string): Buffer {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3);
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) throw new FeedUnreadable("FEED_NOT_UTF8", `${name} is encoded in UTF-16. Save it as UTF-8.`);
  return bytes;
}
