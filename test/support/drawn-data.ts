import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { composeCore, composeWorker } from "../../src/compose.js";
import { loadConfig } from "../../src/config.js";
import { copyEmbeddedTemplate, testLogger } from "./database.js";
import { drawFeed } from "./drawn-feed.js";
import { untilIdle } from "./shop.js";

/** A data folder with the drawn shop, embedded with the default encoder, that no process holds. */
export async function makeDrawnData(data: string): Promise<void> {
  await copyEmbeddedTemplate(data);
  const config = loadConfig({}, { data }, tmpdir());
  const core = await composeCore(config, testLogger, "client");
  const folder = await mkdtemp(path.join(tmpdir(), "lookalike-feed-"));
  try {
    await core.ensureBaseModel();
    const { file } = await drawFeed(folder);
    await core.catalogImport.run({ source: "drawn", location: file });
    const worker = await composeWorker(config, testLogger);
    await untilIdle(core);
    await worker.close();
  } finally {
    await core.close();
    await rm(folder, { recursive: true, force: true });
  }
}
