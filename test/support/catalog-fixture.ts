import sharp from "sharp";
import { type CatalogEvent, type ProductInput } from "../../src/catalog/products/catalog-event.type.js";
import type { ProductVectors } from "../../src/catalog/products/product-vectors.type.js";
import type { JobName } from "../../src/jobs/job-map.type.js";
import type { JobQueue } from "../../src/jobs/job-queue.type.js";

/** Remembers what was enqueued, as soon as it was asked for. */
export interface RecordedJobs extends JobQueue {
  readonly jobs: { name: JobName; payload: object; priority: number | undefined }[];
  take(name: JobName): object[];
}

/** Stands for the queue where a test is about the catalog's rows; the real one has its own tests. */
export function recordJobs(): RecordedJobs {
  const jobs: RecordedJobs["jobs"] = [];
  return {
    jobs,
    take(name) {
      const taken = jobs.filter((job) => job.name === name).map(({ payload }) => payload);
      jobs.splice(0, jobs.length, ...jobs.filter((job) => job.name !== name));
      return taken;
    },
    async enqueue(_sql, name, payloads, options) {
      for (const payload of payloads) jobs.push({ name, payload, priority: options?.priority });
    },
    async counts() {
      throw new Error("not recorded");
    },
  };
}

/** Stands for the vectors stage: one live model 7, and no vector exists yet. */
export function recordVectors(): ProductVectors & { readonly refreshed: bigint[][] } {
  const refreshed: bigint[][] = [];
  return {
    refreshed,
    async refresh(_sql, ids) {
      refreshed.push([...ids]);
    },
    async missing(_sql, blobIds) {
      return blobIds.map((blobId) => ({ blobId, modelId: 7 }));
    },
  };
}

export function product(externalId: string, changes: Partial<ProductInput> = {}): ProductInput {
  return {
    source: "shop",
    externalId,
    title: `Product ${externalId}`,
    categoryPath: ["Clothing", "Shirts"],
    price: { minor: 1_990n, currency: "EUR" },
    inStock: true,
    attributes: { color: ["red"] },
    status: "ACTIVE",
    photos: [{ url: `https://shop.example/${externalId}/1.jpg` }, { url: `https://shop.example/${externalId}/2.jpg` }],
    ...changes,
  };
}

export function upsert(externalId: string, changes: Partial<ProductInput> = {}): CatalogEvent {
  return { type: "upsert", product: product(externalId, changes) };
}

export function remove(externalId: string, at?: string): CatalogEvent {
  return { type: "delete", source: "shop", externalId, ...(at === undefined ? {} : { sourceUpdatedAt: new Date(at) }) };
}

/** A small PNG of one colour. */
export function drawPhoto(color: string): Promise<Buffer> {
  return sharp({ create: { width: 16, height: 12, channels: 3, background: color } })
    .png()
    .toBuffer();
}
