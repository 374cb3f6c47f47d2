import type { Disk } from "flydrive";
import { BlobStoreUnavailable } from "./blob-store.errors.js";
import type { BlobPlace } from "./blob-store.js";

/**
 * Objects in an S3-compatible bucket, through flydrive. Credentials come from the usual AWS_* variables or from the
 * machine's role. The client is loaded at the first use: it is an optional package of 25 MB.
 * @param location `s3://BUCKET/PREFIX`
 */
export function createS3Blobs(location: string, endpoint: string | undefined): BlobPlace {
  const [bucket = "", ...folders] = location.replace(/^s3:\/\//, "").split("/");
  const prefix = folders.filter((folder) => folder !== "").join("/");
  const nameOf = (key: string) => (prefix === "" ? key : `${prefix}/${key}`);
  let opened: Promise<Disk> | undefined;
  const disk = () => {
    opened ??= openDisk(bucket, endpoint);
    return opened;
  };

  return {
    async size(key) {
      return (await absentIfMissing((await disk()).getMetaData(nameOf(key))))?.contentLength;
    },
    write: async (key, bytes) => (await disk()).put(nameOf(key), bytes),
    async read(key) {
      const bytes = await absentIfMissing((await disk()).getBytes(nameOf(key)));
      return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    delete: async (key) => (await disk()).delete(nameOf(key)),
  };
}

async function openDisk(bucket: string, endpoint: string | undefined): Promise<Disk> {
  try {
    const { Disk } = await import("flydrive");
    const { S3Driver } = await import("flydrive/drivers/s3");
    return new Disk(
      new S3Driver({
        bucket,
        visibility: "private",
        // Buckets with ACLs switched off (the default since 2023) and R2 refuse requests that carry one.
        supportsACL: false,
        region: process.env.AWS_REGION ?? "us-east-1",
        ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
        // The newer checksum trailers are unknown to many compatible stores; our own hash is verified on reading.
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
      }),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new BlobStoreUnavailable(
      "The S3 blob store needs its client: npm install @aws-sdk/client-s3 @aws-sdk/s3-request-presigner",
      { cause: error },
    );
  }
}

/** flydrive wraps what the client threw; its status tells a missing object from a missing permission. */
async function absentIfMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      const { $metadata } = cause as { $metadata?: { httpStatusCode?: number } };
      if ($metadata?.httpStatusCode === 404) return undefined;
    }
    throw error;
  }
}
