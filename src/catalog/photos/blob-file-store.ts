import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { BlobPlace } from "./blob-store.js";

/**
 * Files under a folder. Written beside their place and renamed into it: flydrive's own file driver writes in place, and
 * a reader or a kill would meet half a photo.
 */
export function createFileBlobs(root: string): BlobPlace {
  return {
    async size(key) {
      return (await absentIfMissing(stat(path.join(root, key))))?.size;
    },
    async write(key, bytes) {
      const target = path.join(root, key);
      const temporary = `${target}.${randomUUID()}.part`;
      await mkdir(path.dirname(target), { recursive: true });
      try {
        const file = await open(temporary, "wx", 0o640);
        try {
          await file.writeFile(bytes);
        } finally {
          await file.close();
        }
        await rename(temporary, target);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    read: (key) => absentIfMissing(readFile(path.join(root, key))),
    delete: (key) => rm(path.join(root, key), { force: true }),
  };
}

async function absentIfMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
