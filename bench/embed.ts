import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createBlobStore } from "../src/catalog/photos/blob-store.js";
import type { Database } from "../src/database/database.type.js";
import { createEmbedders, createEmbedPhotos, EMBED_PHOTOS_BATCHES } from "../src/embedding/index.js";
import { createEncoderRegistry } from "../src/encoders/index.js";
import { BadUserInput } from "../src/errors.js";
import { createJobConsumer, createJobQueue } from "../src/jobs/index.js";
import { createLogger } from "../src/logger.js";
import { createArtefactStore, createModelVersions } from "../src/models/index.js";
import { createVectors } from "../src/vectors/index.js";
import { openBenchDatabase } from "./support/bench-database.js";
import type { Benchmark } from "./support/benchmark.type.js";
import { drawPhotos } from "./support/drawn-photos.js";
import { describeMachine } from "./support/machine.js";
import { layPhotos } from "./support/photo-catalog.js";
import { openBestRawSession, openRawLanes } from "./support/raw-session.js";
import { median, quantile, rounded } from "./support/statistics.js";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

export const benchmark: Benchmark = {
  summary:
    "Photos a second from JPEG bytes in the store to committed vectors, against bare sessions fed ready tensors.",
  options: {
    photos: { type: "string" },
    count: { type: "string", default: "384" },
    rounds: { type: "string", default: "5" },
    encoder: { type: "string", default: "mobilenet-v2" },
    embedded: { type: "boolean", default: false },
  },
  help: {
    photos: "Folder of photos to embed, read with its subfolders; drawn ones when absent.",
    count: "Photos of a round (384).",
    rounds: "Rounds, pipeline and bare sessions in turn (5).",
    encoder: "Encoder by name (mobilenet-v2).",
    embedded: "Use the embedded database even when Postgres is in reach.",
  },
  async run(values) {
    const count = positive("count", values.count);
    const rounds = positive("rounds", values.rounds);
    const photos = typeof values.photos === "string" ? readPhotos(values.photos, count) : await drawPhotos(count);
    const opened = await openBenchDatabase(values.embedded ? "embedded" : "any");
    try {
      return await measure(opened.database, opened.config.data, String(values.encoder), photos, rounds);
    } finally {
      await opened.drop();
    }
  },
};

async function measure(
  database: Database,
  data: string,
  encoderName: string,
  photos: readonly Buffer[],
  rounds: number,
): Promise<Record<string, unknown>> {
  const logger = createLogger("warn");
  const encoders = createEncoderRegistry({ config: { data }, logger });
  const encoder = await encoders.open(encoderName);
  const vectors = createVectors({ database, logger });
  const models = createModelVersions({ database, vectors, logger });
  const { name, dims } = encoder.manifest;
  const model = await models.ensureBase({ name, digest: encoder.digest, dims });
  const blobs = createBlobStore({ blobStore: "file", data });
  const blobIds = await layPhotos(database, blobs, photos);
  const config = { device: "cpu", maxPixels: 100_000_000, blobStore: "file", data } as const;
  const embedders = createEmbedders({ models, encoders, artefacts: createArtefactStore(config), config, logger });
  const embedPhotos = createEmbedPhotos({ database, blobs, embedders, models, vectors, logger });
  const queue = await createJobQueue(database, logger);
  const consumer = await createJobConsumer(database, logger);

  const pipeline = async (ids: readonly bigint[]): Promise<number> => {
    await database.transaction(async (sql) => {
      await vectors.dropPartitions(sql, model.id);
      await vectors.createPartitions(sql, model.id, dims);
    });
    const payloads = ids.map((blobId) => ({ blobId: blobId.toString(), modelId: model.id }));
    await queue.enqueue(database, "embed-photo", payloads);
    let left = ids.length;
    const started = performance.now();
    const done = new Promise<void>((resolve, reject) => {
      void consumer
        .consumeBatches("embed-photo", EMBED_PHOTOS_BATCHES, async (jobs, signal) => {
          const failures = await embedPhotos(jobs, signal);
          for (const failure of failures.values()) reject(failure);
          left -= jobs.length;
          if (left === 0) resolve();
          return failures;
        })
        .then(async (subscription) => {
          await done.catch(() => undefined);
          await subscription.stop();
        });
    });
    await done;
    const seconds = (performance.now() - started) / 1000;
    const [rows] = await database.query<{ photos: number; products: number }>(
      `SELECT (SELECT count(*)::int FROM vectors.photo_vector WHERE model_id = ${model.id}) AS photos,
              (SELECT count(*)::int FROM vectors.product_vector WHERE model_id = ${model.id}) AS products`,
    );
    if (rows?.photos !== ids.length || rows.products !== ids.length) {
      throw new Error(`Of ${ids.length} photos, ${rows?.photos} have a vector and ${rows?.products} a product vector.`);
    }
    return ids.length / seconds;
  };

  const raw = await openBestRawSession(encoder, say);
  const lanes = await openRawLanes(encoder);
  try {
    await pipeline(blobIds.slice(0, 64));
    const rates: number[] = [];
    const rawRates: number[] = [];
    const laneRates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      rates.push(await pipeline(blobIds));
      rawRates.push(await raw.measure(blobIds.length));
      laneRates.push(await lanes.measure(blobIds.length));
      const [rate, rawRate, laneRate] = [rates, rawRates, laneRates].map((all) => all.at(-1)!.toFixed(1));
      say(`round ${round + 1}: ${rate} photos/s, one raw session ${rawRate}, raw lanes ${laneRate}`);
    }
    return {
      photos: blobIds.length,
      photosPerSecond: rounded(median(rates), 1),
      rawOrtPhotosPerSecond: rounded(median(rawRates), 1),
      ratioToRawOrt: rounded(median(rates) / median(rawRates), 3),
      rounds,
      photosPerSecondP10: rounded(quantile(rates, 0.1), 1),
      rawArrangement: raw.arrangement,
      rawLanesPhotosPerSecond: rounded(median(laneRates), 1),
      ratioToRawLanes: rounded(median(rates) / median(laneRates), 3),
      database: database.kind,
      encoder: name,
      machine: describeMachine("onnxruntime-node", "sharp"),
    };
  } finally {
    await raw.close();
    await lanes.close();
    await consumer.close();
    await queue.close();
    await embedders.close();
  }
}

function readPhotos(folder: string, count: number): Buffer[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(jpe?g|png|webp|avif)$/i.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  // Evenly over the folder, so that every label has its share.
  const step = Math.max(1, Math.floor(files.length / count));
  return files
    .filter((_, index) => index % step === 0)
    .slice(0, count)
    .map((file) => readFileSync(file));
}

function positive(option: string, value: unknown): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new BadUserInput(`--${option} must be a whole number above 0, not ${String(value)}.`, [option]);
}
