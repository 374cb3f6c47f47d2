import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../errors.js";
import { CacheNotWritten } from "../learning.errors.js";
import { floatsFromHalf } from "./floats-from-half.js";
import type { ValueLength, ViewSource } from "./view-source.type.js";

const MISSING = 0;
const PLAIN = 1;
const UNREADABLE = 2;
const WHOLE = 3;
const PREFIX = "views-";

export interface ViewCacheOptions {
  readonly folder: string;
  /** Everything that the values follow from; another text is another cache. */
  readonly identity: string;
  readonly values: readonly ValueLength[];
  /** Views of each place; 0 for places that are not needed. */
  readonly viewsOf: Int32Array;
}

/**
 * What the frozen part made of every view, in half precision in one file, read at random. A second file has one byte a
 * photo that says whether it is there, so that a run that was stopped goes on where it stood.
 */
export interface ViewCache extends ViewSource {
  readonly bytes: number;
  /** Places whose plain view is not there yet, or of which other views are missing. */
  missing(views: "plain" | "augmented"): number[];
  readable(place: number): boolean;
  /** @param rows of the plain view, or of all the others @throws CacheNotWritten */
  write(place: number, views: "plain" | "augmented", rows: Uint16Array): Promise<void>;
  markUnreadable(place: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens the cache, or begins one; caches of another identity in this folder are removed. @throws CacheNotWritten */
export async function openViewCache(options: ViewCacheOptions): Promise<ViewCache> {
  const { folder, identity, values, viewsOf } = options;
  const recordLength = values.reduce((sum, { length }) => sum + length, 0);
  const recordBytes = 2 * recordLength;
  const firstRecord = new Float64Array(viewsOf.length + 1);
  for (const [place, views] of viewsOf.entries()) firstRecord[place + 1] = firstRecord[place]! + views;
  const bytes = firstRecord[viewsOf.length]! * recordBytes;

  await mkdir(folder, { recursive: true });
  const key = createHash("sha256")
    .update(JSON.stringify([identity, values, createHash("sha256").update(viewsOf).digest("hex")]))
    .digest("hex")
    .slice(0, 16);
  for (const name of await readdir(folder)) {
    if (name.startsWith(PREFIX) && !name.startsWith(PREFIX + key)) await rm(path.join(folder, name));
  }
  const data = await openFile(path.join(folder, `${PREFIX}${key}.values`));
  const marks = await openFile(path.join(folder, `${PREFIX}${key}.done`));
  const done = Buffer.alloc(viewsOf.length, MISSING);
  await marks.read(done, 0, done.length, 0);
  await requireSpace(folder, bytes - (await data.stat()).size, bytes);

  const guarded = async (write: Promise<unknown>) => {
    try {
      await write;
    } catch (error) {
      throw new CacheNotWritten(folder, bytes, messageOf(error), { cause: error });
    }
  };
  const mark = async (place: number, state: number) => {
    await guarded(marks.write(Buffer.of(state), 0, 1, place));
    done[place] = state;
  };

  return {
    bytes,
    missing: (views) =>
      [...viewsOf.keys()].filter((place) =>
        views === "plain"
          ? viewsOf[place]! > 0 && done[place] === MISSING
          : viewsOf[place]! > 1 && done[place] === PLAIN,
      ),
    readable: (place) => done[place] === PLAIN || done[place] === WHOLE,
    async write(place, views, rows) {
      const count = views === "plain" ? 1 : viewsOf[place]! - 1;
      if (rows.length !== count * recordLength) {
        throw new RangeError(`place ${place} takes ${count} views of ${recordLength}, not ${rows.length}`);
      }
      const all = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
      const record = firstRecord[place]! + Number(views === "augmented");
      await guarded(writeAll(data, all, record * recordBytes));
      await mark(place, views === "plain" ? PLAIN : WHOLE);
    },
    markUnreadable: (place) => mark(place, UNREADABLE),
    async batch(places, views) {
      const records = new Uint16Array(places.length * recordLength);
      const into = Buffer.from(records.buffer);
      // At once from the page cache: handing 120 records to the thread pool takes longer than reading them.
      for (let row = 0; row < places.length; row++) {
        const at = (firstRecord[places[row]!]! + views[row]!) * recordBytes;
        readSync(data.fd, into, row * recordBytes, recordBytes, at);
      }
      let offset = 0;
      const result: Record<string, Float32Array> = {};
      for (const { name, length } of values) {
        const numbers = new Float32Array(places.length * length);
        for (let row = 0; row < places.length; row++) {
          const from = row * recordLength + offset;
          floatsFromHalf(records.subarray(from, from + length), numbers, row * length);
        }
        result[name] = numbers;
        offset += length;
      }
      return result;
    },
    async close() {
      await data.close();
      await marks.close();
    },
  };
}

async function openFile(file: string): Promise<FileHandle> {
  return open(file, "r+").catch(() => open(file, "w+"));
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

/** Says at the start what would otherwise be found out after minutes. */
async function requireSpace(folder: string, missing: number, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (missing > bavail * bsize) {
    throw new CacheNotWritten(folder, bytes, `only ${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free`);
  }
}
