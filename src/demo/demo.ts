import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { say } from "../cli/answer.js";
import { drawContactSheet } from "../cli/contact-sheet.js";
import { startProgress } from "../cli/progress.js";
import { type CommonOptions, openSettings } from "../cli/settings.js";
import { waitForEmbedding } from "../cli/wait-for-embedding.js";
import { type Core, composeCore } from "../compose.js";
import { type RunningApi, startApi } from "../main-api.js";
import { drawCatalog } from "./draw-catalog.js";
import { trainDemo } from "./train-demo.js";

export interface DemoOptions extends CommonOptions {
  readonly once?: boolean;
  /** False with `--no-train`. */
  readonly train?: boolean;
  readonly port?: number;
}

const SEED = 7;
const PRODUCT = "dress-2-teal";
const SHOWN = 12;
const QUERY = `query {
  similarItems(productId: "${PRODUCT}", first: 3, filter: { inStock: true }) {
    edges {
      score
      node { title price { amount currency } }
    }
  }
}`;

/**
 * The whole product in three minutes, in a data folder of its own: draws a shop, imports its feed, embeds its photos,
 * asks one question over HTTP, draws the answer, trains for a minute, draws what that changed, and goes on serving
 * (unless `once`). A second start finds its work done.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const startedAt = Date.now();
  const data = path.resolve(options.data ?? "lookalike-demo");
  const { config, logger } = openSettings({ ...options, data }, "answer", {
    // Always the embedded database: a demo has no business in a shop's own.
    databaseUrl: undefined,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  const feed = await drawOnce(path.join(data, "demo-shop"));
  say(`Starting the server and its worker, with the embedded database in ${data}`);
  const api = await startApi(config, logger, { worker: true });
  try {
    const core = await composeCore(config, logger, "client");
    try {
      await importAndEmbed(core, feed);
      process.stdout.write(`\n${QUERY}\n\n${JSON.stringify(await ask(api), null, 2)}\n\n`);
      const sheet = path.join(data, "similar.png");
      await drawAnswer(core, sheet);
      say(`What looks like ${PRODUCT}, as a picture: ${sheet}`);
      if (options.train !== false) await trainDemo(core, PRODUCT, data);
      say(`Done in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
    } finally {
      await core.close();
    }
    if (!options.once) await serveUntilStopped(api);
  } finally {
    await api.close();
  }
}

async function drawOnce(folder: string): Promise<string> {
  const feed = path.join(folder, "products.csv");
  if (existsSync(feed)) return feed;
  const progress = startProgress("drawing", "products");
  try {
    const drawn = await drawCatalog(folder, SEED, (done, total) => progress.update(done, total));
    progress.stop();
    say(`Drew a shop of ${drawn.products} products with ${drawn.photos} photos: ${drawn.feed}`);
    return drawn.feed;
  } finally {
    progress.stop();
  }
}

async function importAndEmbed(core: Core, feed: string): Promise<void> {
  const progress = startProgress("importing", "rows");
  try {
    const summary = await core.catalogImport.run({
      source: "demo",
      location: feed,
      onProgress: ({ rows }) => progress.update(rows, undefined),
    });
    progress.stop();
    say(`Imported ${summary.rows} rows: ${summary.created} created, ${summary.unchanged} unchanged.`);
  } finally {
    progress.stop();
  }
  const { embedded, seconds } = await waitForEmbedding(core);
  if (embedded > 0) say(`Embedded ${embedded} photos in ${seconds.toFixed(1)} s.`);
}

/** Asks as a storefront does: over HTTP. */
async function ask({ address }: RunningApi): Promise<unknown> {
  const response = await fetch(`${address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: QUERY }),
  });
  return response.json();
}

async function drawAnswer(core: Core, file: string): Promise<void> {
  const page = await core.similar.toProduct(PRODUCT, { first: SHOWN });
  const productId = await core.findProduct(PRODUCT);
  if (productId === undefined) return;
  const products = await core.products.byIds([productId, ...page.items.map((item) => item.productId)]);
  const items = page.items.flatMap((item) => {
    const product = products.get(item.productId);
    return product ? [{ ...item, product }] : [];
  });
  await writeFile(
    file,
    await drawContactSheet(core, { title: products.get(productId)?.title ?? PRODUCT, productId }, items),
  );
}

async function serveUntilStopped({ address, adminTokenFile }: RunningApi): Promise<void> {
  say(`Serving: GraphQL explorer at ${address}/explorer. Stop with Ctrl-C.`);
  if (adminTokenFile) say(`Token of administrators: in ${adminTokenFile}`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}
