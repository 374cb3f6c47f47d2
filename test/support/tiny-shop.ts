import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Core, composeCore, composeWorker } from "../../src/compose.js";
import { type Config, loadConfig } from "../../src/config.js";
import { writeModelFile } from "../../src/onnx/index.js";
import { type DatabaseKind, openTestDatabase, testLogger } from "./database.js";
import { drawFeed } from "./drawn-feed.js";
import { tinyEncoder } from "./embedding-tiny-encoder.js";
import { tinyModel } from "./encoders-tiny-model.js";
import { ADMIN_TOKEN, untilIdle } from "./shop.js";

export interface TinyShop {
  readonly core: Core;
  readonly config: Config;
  close(): Promise<void>;
}

/** A drawn shop whose photos are embedded, by a real worker, with an encoder of one layer: ready to learn from. */
export async function openTinyShop(kind: DatabaseKind, copies = 2, settings: Partial<Config> = {}): Promise<TinyShop> {
  const test = await openTestDatabase(kind);
  await installTinyEncoder(test.config.data);
  const config = loadConfig({}, { ...test.config, encoder: "tiny", adminToken: ADMIN_TOKEN, ...settings }, tmpdir());
  const core = await composeCore(config, testLogger, "client");
  await core.ensureBaseModel();
  const folder = await mkdtemp(path.join(tmpdir(), "lookalike-feed-"));
  try {
    const { file } = await drawFeed(folder, copies);
    await core.catalogImport.run({ source: "drawn", location: file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const worker = await composeWorker(config, testLogger);
  await untilIdle(core);
  await worker.close();
  return {
    core,
    config,
    async close() {
      await core.close();
      await test.drop();
    },
  };
}

/** An encoder called "tiny" in a data folder, as `encoder add` leaves one. */
export async function installTinyEncoder(data: string): Promise<void> {
  const { manifest } = await tinyEncoder();
  const folder = path.join(data, "encoders", manifest.name);
  await mkdir(folder, { recursive: true });
  await writeModelFile(tinyModel({ dims: manifest.dims }), path.join(folder, manifest.model));
  await writeFile(path.join(folder, "manifest.json"), JSON.stringify(manifest));
}
