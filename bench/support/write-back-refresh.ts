import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { from as copyFrom } from "pg-copy-streams";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { openDatabase } from "../../src/database/index.js";
import type { Embedders } from "../../src/embedding/embedder.type.js";
import { createEmbedder } from "../../src/embedding/index.js";
import { createEncoderRegistry } from "../../src/encoders/index.js";
import { giveWay } from "../../src/jobs/give-way.js";
import { createLogger } from "../../src/logger.js";
import { createModelPromotion } from "../../src/models/index.js";
import { embedLacking, PACES, refreshProducts } from "../../src/models/make-vectors.js";
import { encodeCopy } from "../../src/vectors/copy-format.js";
import { createVectors } from "../../src/vectors/index.js";
import { drawPhotos } from "./drawn-photos.js";
import type { RefreshAnswer, RefreshOrder, RefreshSettings } from "./write-back.type.js";

/*
 * A worker's refresh in a process of its own, with its real stages. Only the encoder is replaced where writing is what is
 * measured: its vectors are drawn in advance.
 */

const { data, databaseUrl, modelId, dims } = JSON.parse(process.argv[2]!) as RefreshSettings;
const logger = createLogger("warn");
const database = await openDatabase({ data, databaseUrl }, logger);
const vectors = createVectors({ database, logger });
const signal = new AbortController().signal;
const nothing = async (): Promise<void> => undefined;
const promotion = createModelPromotion({
  database,
  vectors,
  queue: { enqueue: nothing },
  artefacts: { delete: nothing },
  runs: { revive: nothing, finish: async () => false },
  config: { data, keepModels: 2 },
  logger,
});

const DRAWN = 4096;
/** Rows that a refresh gathers before it writes. */
const BATCH = PACES.postgres.rows;
const generator = xoroshiro128plus(7);
const drawn = Array.from({ length: DRAWN }, () => {
  const vector = Float32Array.from({ length: dims }, () => (generator.next() >>> 0) / 2 ** 32 - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
});
/** The photo's "content" is its hash; four hex digits of it choose the vector. */
const vectorOf = (hash: string): Float32Array => drawn[Number.parseInt(hash.slice(0, 4), 16) % DRAWN]!;
const embedders: Embedders = {
  forModel: async () => ({
    dims,
    device: "cpu",
    embed: async (photos) => photos.map((photo) => vectorOf(photo.toString("latin1"))),
    close: nothing,
  }),
};
const stages = {
  database,
  vectors,
  embedders,
  blobs: { read: async (hash: string) => Buffer.from(hash, "latin1") },
};

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** What the bulk writer is compared on: as many rows in turn, in the batches of a refresh, and by one bare COPY. */
async function compare(times: number): Promise<RefreshAnswer> {
  const contents = await database.query<{ id: bigint; hash: string }>(
    "SELECT id, content_hash AS hash FROM image_blob ORDER BY id",
  );
  const rows = contents.map(({ id, hash }) => ({ blobId: id, vector: vectorOf(hash) }));
  const copySeconds: number[] = [];
  const writeSeconds: number[] = [];
  for (let time = 0; time < times; time++) {
    copySeconds.push(await copy(Buffer.concat([...encodeCopy(modelId, rows)])));
    writeSeconds.push(
      await seconds(async () => {
        for (let at = 0; at < rows.length; at += BATCH) {
          await vectors.writePhotosInBulk(modelId, rows.slice(at, at + BATCH));
        }
      }),
    );
    await database.query(`TRUNCATE vectors.photo_vector_${modelId}`);
  }
  return { kind: "compare", copySeconds, writeSeconds };
}

/** The baseline: rows encoded beforehand, by one COPY into a table of the same shape. */
async function copy(bytes: Buffer): Promise<number> {
  await database.query("DROP TABLE IF EXISTS copied");
  await database.query(
    `CREATE TABLE copied (LIKE vectors.photo_vector_${modelId} INCLUDING ALL) WITH (toast_tuple_target = 8160)`,
  );
  const client = await database.pool.connect();
  try {
    return await seconds(async () => {
      const copying = client.query(copyFrom("COPY copied (model_id, blob_id, vec) FROM STDIN (FORMAT binary)"));
      copying.end(bytes);
      await finished(copying);
    });
  } finally {
    client.release();
    await database.query("DROP TABLE copied");
  }
}

async function carryOut(order: RefreshOrder): Promise<RefreshAnswer> {
  switch (order.kind) {
    case "compare":
      return compare(order.times);
    case "refresh": {
      // As a worker does; the writer and the bare COPY before were compared at one and the same priority.
      giveWay();
      const photoSeconds = await seconds(() => embedLacking(stages, modelId, nothing, signal));
      const productSeconds = await seconds(() => refreshProducts(stages, modelId, nothing, signal));
      let scan = "exact";
      const indexSeconds = await seconds(async () => {
        scan = await vectors.ensureIndex(modelId);
      });
      return { kind: "refresh", photoSeconds, productSeconds, indexSeconds, scan };
    }
    case "embed": {
      const encoder = await createEncoderRegistry({ config: { data }, logger }).open("mobilenet-v2");
      const embedder = await createEmbedder({ encoder, device: "cpu", logger });
      const photos = await drawPhotos(64);
      const until = performance.now() + 1000 * order.seconds;
      let embedded = 0;
      while (performance.now() < until) embedded += (await embedder.embed(photos)).length;
      await embedder.close();
      return { kind: "embed", photos: embedded };
    }
    case "switch":
      for (let time = 0; time < order.times; time++) {
        await promotion.rollback().catch(() => promotion.promote(modelId, { force: true }));
        await delay(200);
      }
      return { kind: "switch", promotions: order.times };
  }
}

process.on("message", (order: RefreshOrder) => {
  carryOut(order).then(
    (answer) => process.send!(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once("disconnect", () => void database.close().finally(() => process.exit()));
process.send!({ kind: "ready" } satisfies RefreshAnswer);
