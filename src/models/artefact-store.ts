import { createHash } from "node:crypto";
import path from "node:path";
import { createFileBlobs } from "../catalog/photos/blob-file-store.js";
import { createS3Blobs } from "../catalog/photos/blob-s3-store.js";
import type { BlobPlace } from "../catalog/photos/blob-store.js";
import type { Config } from "../config.js";
import { BadUserInput } from "../errors.js";
import { ArtefactDamaged, ArtefactMissing, ArtefactNotWritten } from "./artefact-store.errors.js";
import type { ArtefactStore } from "./artefact-store.type.js";

/**
 * The store that the configuration names: `artefacts/` in the data folder, or the same under the prefix of the photos'
 * bucket. The places are the photos' own; what differs is that a file here is named by its owner and may be replaced.
 */
export function createArtefactStore(config: Pick<Config, "blobStore" | "s3Endpoint" | "data">): ArtefactStore {
  return artefactsIn(
    config.blobStore === "file"
      ? createFileBlobs(path.join(config.data, "artefacts"))
      : createS3Blobs(`${config.blobStore.replace(/\/+$/, "")}/artefacts`, config.s3Endpoint),
  );
}

/** An artefact store over any place for bytes. */
export function artefactsIn(place: BlobPlace): ArtefactStore {
  return {
    async write(key, bytes) {
      checkKey(key);
      try {
        await place.write(key, bytes);
      } catch (error) {
        throw new ArtefactNotWritten(key, bytes.length, error);
      }
      return sha256Of(bytes);
    },
    async read(key, sha256) {
      checkKey(key);
      const bytes = await place.read(key);
      if (bytes === undefined) throw new ArtefactMissing(key);
      if (sha256 !== undefined) {
        const found = sha256Of(bytes);
        if (found !== sha256) throw new ArtefactDamaged(key, sha256, found);
      }
      return bytes;
    },
    async delete(key) {
      checkKey(key);
      await place.delete(key);
    },
  };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A key becomes a path: no part of it may leave the store or be hidden. */
function checkKey(key: string): void {
  if (/^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/.test(key)) return;
  throw new BadUserInput(`${JSON.stringify(key)} is not a key of the artefact store. Use parts such as models/7.`, [
    "key",
  ]);
}
