import { createCatalogImport } from "../src/catalog/import/import-catalog.js";
import type { ImportSummary } from "../src/catalog/import/import-catalog.type.js";
import { createCatalogWriter } from "../src/catalog/products/catalog-writer.js";
import type { ProductVectors } from "../src/catalog/products/product-vectors.type.js";
import { BadUserInput } from "../src/errors.js";
import { createJobQueue } from "../src/jobs/index.js";
import { createLogger } from "../src/logger.js";
import type { Benchmark } from "./support/benchmark.type.js";
import { describeMachine } from "./support/machine.js";

/** What a product's text weighs in a feed. */
const DESCRIPTION = "Made of soft cotton, cut to fit, and washed twice before it is sewn. ".repeat(50);

const FORMATS = ["csv", "jsonl", "merchant"] as const;
type Format = (typeof FORMATS)[number];

/** The vectors stage has memory of its own, which is not what is measured here. */
const noVectors: ProductVectors = { refresh: async () => {}, missing: async () => [] };

export const benchmark: Benchmark = {
  summary: "Resident memory while a large feed is imported into real Postgres, once new and once unchanged.",
  options: {
    megabytes: { type: "string", default: "200" },
    format: { type: "string", default: "csv" },
  },
  help: { megabytes: "Size of the feed (200).", format: "csv, jsonl or merchant (csv)." },
  async run(values) {
    const megabytes = Number(values.megabytes);
    const format = FORMATS.find((name) => name === values.format);
    if (!(megabytes >= 1) || !format)
      throw new BadUserInput("--megabytes must be 1 or more, --format csv, jsonl or merchant.");
    const { openTestDatabase, postgresMissing } = await import("../test/support/database.js");
    if (postgresMissing) throw new BadUserInput(`This benchmark needs Postgres: ${postgresMissing}.`);
    const opened = await openTestDatabase("postgres");
    try {
      const { database } = opened;
      const logger = createLogger("silent");
      const queue = await createJobQueue(database, logger);
      const writer = createCatalogWriter({ database, queue, vectors: noVectors, logger });
      const config = { defaultCurrency: "EUR", fetchMaxBytes: 1 };
      const openUrl = async () => feed(format, megabytes * 1_000_000);
      const catalogImport = createCatalogImport({ database, writer, config, openUrl, logger });
      const once = () =>
        measure((onProgress) => {
          const location = "https://feed.example/feed";
          return catalogImport.run({ source: "bench", location, format, snapshot: true, onProgress });
        });
      const fresh = await once();
      const again = await once();
      await queue.close();
      return { megabytes, format, new: fresh, unchanged: again, machine: describeMachine() };
    } finally {
      await opened.drop();
    }
  },
};

async function measure(run: (onProgress: () => void) => Promise<ImportSummary>): Promise<Record<string, number>> {
  // Early figures hold the modules and the first batches; memory is flat when later ones do not exceed them by much.
  const resident: number[] = [];
  const summary = await run(() => resident.push(process.memoryUsage.rss()));
  const fifth = Math.ceil(resident.length / 5);
  const megabytes = (bytes: readonly number[]) => Math.round(Math.max(...bytes) / 1_000_000);
  return {
    rows: summary.rows,
    written: summary.created + summary.updated,
    seconds: Math.round(summary.seconds * 10) / 10,
    rowsPerSecond: Math.round(summary.rows / summary.seconds),
    megabytesPerSecond: Math.round(summary.bytesRead / 100_000 / summary.seconds) / 10,
    peakMegabytesFirstFifth: megabytes(resident.slice(0, fifth)),
    peakMegabytesLastFifth: megabytes(resident.slice(-fifth)),
    peakMegabytes: megabytes(resident),
  };
}

/** A feed that is made while it is read. */
async function* feed(format: Format, bytes: number): AsyncGenerator<Buffer> {
  let made = 0;
  const give = (text: string): Buffer => {
    const chunk = Buffer.from(text);
    made += chunk.length;
    return chunk;
  };
  if (format === "csv") yield give("id,title,description,price,product_type,image_link\n");
  if (format === "merchant") yield give('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>');
  for (let row = 0; made < bytes; row += 1) yield give(rowOf(format, row));
  if (format === "merchant") yield give("</channel></rss>");
}

function rowOf(format: Format, row: number): string {
  const photo = `https://shop.example/${row}.jpg`;
  switch (format) {
    case "csv":
      return `${row},Shirt ${row},"${DESCRIPTION}",${row % 100}.99 EUR,Clothing > Shirts,${photo}\n`;
    case "jsonl": {
      const price = `${row % 100}.99 EUR`;
      return `${JSON.stringify({ id: row, title: `Shirt ${row}`, description: DESCRIPTION, price, image_link: photo })}\n`;
    }
    case "merchant":
      return `<item><g:id>${row}</g:id><title>Shirt ${row}</title><description>${DESCRIPTION}</description>
        <g:price>${row % 100}.99 EUR</g:price><g:image_link>${photo}</g:image_link></item>`;
  }
}
