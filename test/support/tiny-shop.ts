import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Core, composeCore, composeWorker } from "../../src/compose.js";
import { type Config, loadConfig } from "../../src/config.js";
import type { InstalledEncoder } from "../../src/encoders/encoder.type.js";
import { type DatabaseKind, openTestDatabase, type TestDatabase, testLogger } from "./database.js";
import { type DrawnFeed, drawFeed } from "./drawn-feed.js";
import { tinyEncoder } from "./embedding-tiny-encoder.js";
import { ADMIN_TOKEN, untilIdle } from "./shop.js";

export interface TinyShop {
  readonly core: Core;
  readonly config: Config;
  readonly test: TestDatabase;
  close(): Promise<void>;
}

/** A drawn shop whose photos are embedded, by a real worker, with an encoder of one layer: ready to learn from. */
export async function openTinyShop(kind: DatabaseKind, copies = 2, settings: Partial<Config> = {}): Promise<TinyShop> {
  return openDrawnShop(kind, await tinyEncoder(), (folder) => drawFeed(folder, copies), settings);
}

/** The same with any encoder and any feed. */
export async function openDrawnShop(
  kind: DatabaseKind,
  encoder: InstalledEncoder,
  draw: (folder: string) => Promise<DrawnFeed>,
  settings: Partial<Config> = {},
): Promise<TinyShop> {
  const test = await openTestDatabase(kind);
  await installEncoder(test.config.data, encoder);
  const { name } = encoder.manifest;
  const config = loadConfig({}, { ...test.config, encoder: name, adminToken: ADMIN_TOKEN, ...settings }, tmpdir());
  const core = await composeCore(config, testLogger, "client");
  await core.ensureBaseModel();
  const folder = await mkdtemp(path.join(tmpdir(), "lookalike-feed-"));
  try {
    const { file } = await draw(folder);
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
    test,
    async close() {
      await core.close();
      await test.drop();
    },
  };
}

/** An encoder called "tiny" in a data folder, as `encoder add` leaves one. */
export async function installTinyEncoder(data: string): Promise<void> {
  await installEncoder(data, await tinyEncoder());
}

async function installEncoder(data: string, { manifest, modelPath }: InstalledEncoder): Promise<void> {
  const folder = path.join(data, "encoders", manifest.name);
  await mkdir(folder, { recursive: true });
  await copyFile(modelPath, path.join(folder, manifest.model));
  await writeFile(path.join(folder, "manifest.json"), JSON.stringify(manifest));
}
