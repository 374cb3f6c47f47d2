import type { Database } from "../src/database/database.type.js";
import { BadUserInput } from "../src/errors.js";
import { createLogger } from "../src/logger.js";
import { createModelVersions } from "../src/models/index.js";
import { createSimilarItems, type SimilarItems } from "../src/similar/index.js";
import { createVectors, type NeighbourFilter } from "../src/vectors/index.js";
import { openBenchDatabase } from "./support/bench-database.js";
import type { Benchmark } from "./support/benchmark.type.js";
import { describeMachine } from "./support/machine.js";
import { type RawSearch, rawStatements } from "./support/similar-raw-sql.js";
import { measureRequests } from "./support/similar-requests.js";
import { quantile, rounded } from "./support/statistics.js";
import { DIMS, loadSyntheticCatalog } from "./support/synthetic-catalog.js";

const FIRST = 20;
const WARM_UP = 100;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

export const benchmark: Benchmark = {
  summary: "similarItems against the best statement written by hand for the same answer, on clustered vectors.",
  options: {
    products: { type: "string", default: "100000" },
    seeds: { type: "string", default: "200" },
  },
  help: {
    products: "Products in the catalog (100000); 20,000 and more are searched by an HNSW index.",
    seeds: "Products asked for in each comparison (200).",
  },
  async run(values) {
    const products = positive("products", values.products);
    const seeds = Math.min(products, positive("seeds", values.seeds));
    const opened = await openBenchDatabase("postgres");
    try {
      return await measure(opened.database, opened.config, products, seeds);
    } finally {
      await opened.drop();
    }
  },
};

async function measure(
  database: Database,
  config: { readonly data: string; readonly databaseUrl?: string },
  products: number,
  seeds: number,
): Promise<Record<string, unknown>> {
  const logger = createLogger("warn");
  const vectors = createVectors({ database, logger });
  const models = createModelVersions({ database, vectors, logger });
  const model = await models.ensureBase({ name: "synthetic", digest: "synthetic", dims: DIMS });
  say(`writing ${products} products …`);
  const loadStarted = performance.now();
  await loadSyntheticCatalog(database, vectors, model.id, products);
  say("building the index …");
  const indexStarted = performance.now();
  const scan = await vectors.ensureIndex(model.id);
  const indexed = performance.now();
  // What loading left to write would be written during the first comparison.
  await database.query("CHECKPOINT");

  const raw = rawStatements(model.id, FIRST, scan);
  const similar = createSimilarItems({ vectors, models });
  const compare = (name: string, search: RawSearch, filter: NeighbourFilter, sameCategory: boolean) => {
    say(`asking ${seeds} times, ${name} …`);
    return compareSearches(similar, database, search, { filter, sameCategory, seeds, products });
  };
  const everywhere = await compare("everywhere", raw.everywhere, {}, false);
  const category = await compare("in the product's category", raw.sameCategory, {}, true);
  const filtered = await compare("in 5 %", raw.brand("brand-7"), { brands: ["brand-7"] }, false);
  const rare = await compare("in 0.5 %", raw.brand("rare"), { brands: ["rare"] }, false);
  say("asking over HTTP …");
  const http = await measureRequests(config, products, seeds);
  const [server] = await database.query<{ postgres: string; pgvector: string }>(
    `SELECT current_setting('server_version') AS postgres,
            (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector`,
  );
  return {
    products,
    rawSqlP50Ms: everywhere.rawSqlP50Ms,
    similarItemsP50Ms: everywhere.similarItemsP50Ms,
    ratioToRawSql: everywhere.ratioToRawSql,
    recallAt20: everywhere.recallAt20,
    filteredRecallAt20: Math.min(filtered.recallAt20, rare.recallAt20),
    ...http,
    scan,
    everywhere,
    sameCategory: category,
    filteredTo5Percent: filtered,
    filteredToHalfAPercent: rare,
    loadSeconds: rounded((indexStarted - loadStarted) / 1000, 1),
    indexSeconds: rounded((indexed - indexStarted) / 1000, 1),
    samples: seeds,
    ...server,
    ...describeMachine("pg"),
  };
}

interface Comparison {
  readonly rawSqlP50Ms: number;
  readonly rawSqlP90Ms: number;
  readonly similarItemsP50Ms: number;
  readonly similarItemsP90Ms: number;
  readonly ratioToRawSql: number;
  readonly recallAt20: number;
  readonly rawSqlRecallAt20: number;
}

interface Comparing {
  readonly filter: NeighbourFilter;
  readonly sameCategory: boolean;
  readonly seeds: number;
  readonly products: number;
}

/**
 * The truth first, because its scan of everything pushes pages out; then both unmeasured with other seeds, until
 * statements are planned and code is compiled; then both in turns of who comes first, since the second finds the pages
 * that the first brought in.
 */
async function compareSearches(
  similar: SimilarItems,
  database: Database,
  raw: RawSearch,
  { filter, sameCategory, seeds, products }: Comparing,
): Promise<Comparison> {
  const client = await database.pool.connect();
  const ours = lane(async (id: bigint) => {
    const page = await similar.toProduct(`prod_${id}`, { first: FIRST, filter, options: { sameCategory } });
    return page.items.map(({ productId }) => productId);
  });
  const theirs = lane(async (id: bigint) => {
    const { name, text, values } = raw;
    const { rows } = await client.query<{ product_id: bigint }>({ name, text, values: [id, ...values] });
    return rows.map((row) => row.product_id);
  });
  let expected = 0;
  const seedAt = (round: number): bigint => BigInt(1 + Math.floor(((round + 0.5) / seeds) * products));
  try {
    const truths: Set<bigint>[] = [];
    for (let round = 0; round < seeds; round++) {
      const { rows } = await client.query<{ product_id: bigint }>(raw.truth, [seedAt(round), ...raw.values]);
      truths.push(new Set(rows.map((row) => row.product_id)));
    }
    for (const setting of raw.settings) await client.query(setting);
    for (let round = 0; round < WARM_UP; round++) {
      const other = BigInt(1 + ((round * 7919) % products));
      await ours.warm(other);
      await theirs.warm(other);
    }
    for (const [round, truth] of truths.entries()) {
      expected += truth.size;
      for (const turn of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn.ask(seedAt(round), truth);
    }
    await client.query("RESET ALL");
  } finally {
    client.release();
  }
  const [rawP50, p50] = [quantile(theirs.times, 0.5), quantile(ours.times, 0.5)];
  return {
    rawSqlP50Ms: rounded(rawP50, 3),
    rawSqlP90Ms: rounded(quantile(theirs.times, 0.9), 3),
    similarItemsP50Ms: rounded(p50, 3),
    similarItemsP90Ms: rounded(quantile(ours.times, 0.9), 3),
    ratioToRawSql: rounded(p50 / rawP50, 3),
    recallAt20: rounded(ours.hits() / expected, 4),
    rawSqlRecallAt20: rounded(theirs.hits() / expected, 4),
  };
}

/** One of the two ways to the answer: its times, and how much of the truth it found. */
function lane(search: (id: bigint) => Promise<bigint[]>) {
  const times: number[] = [];
  let hits = 0;
  return {
    times,
    hits: () => hits,
    warm: search,
    async ask(id: bigint, truth: ReadonlySet<bigint>): Promise<void> {
      const startedAt = performance.now();
      const found = await search(id);
      times.push(performance.now() - startedAt);
      hits += found.filter((product) => truth.has(product)).length;
    },
  };
}

function positive(name: string, value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new BadUserInput(`--${name} must be a whole number above 0.`);
  return number;
}
