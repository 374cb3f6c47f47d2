import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { type Database, openDatabase } from "../src/database/index.js";
import { createLogger } from "../src/logger.js";
import { createModelVersions } from "../src/models/index.js";
import { createSimilarItems, type SimilarItems } from "../src/similar/index.js";
import { createVectors, type NeighbourFilter } from "../src/vectors/index.js";
import { type RawSearch, rawStatements } from "./similar-items-raw-sql.js";
import { DIMS, loadSyntheticCatalog } from "./synthetic-catalog.js";

const FIRST = 20;

/**
 * `similarItems` against the best statement written by hand for the same answer, on clustered synthetic vectors in a
 * Postgres of its own database (DATABASE_URL or TEST_DATABASE_URL names the server), interleaved in one run.
 */
export async function run(options: { arguments: string[] }): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: options.arguments,
    options: {
      products: { type: "string", default: "100000" },
      seeds: { type: "string", default: "200" },
      json: { type: "boolean" },
    },
  });
  const products = Number(values.products);
  const seeds = Number(values.seeds);
  return withBenchDatabase(async (database, logger) => {
    const vectors = createVectors({ database, logger });
    const models = createModelVersions({ database, vectors, logger });
    const model = await models.ensureBase({ name: "synthetic", digest: "synthetic", dims: DIMS });
    const loadStarted = performance.now();
    await loadSyntheticCatalog(database, vectors, model.id, products);
    const indexStarted = performance.now();
    const scan = await vectors.ensureIndex(model.id);
    const indexed = performance.now();
    const similar = createSimilarItems({ vectors, models });
    const compare = (raw: RawSearch, filter: NeighbourFilter, sameCategory: boolean) =>
      compareSearches(similar, database, raw, { filter, sameCategory, seeds, products });
    const raw = rawStatements(model.id, FIRST, scan);
    const everywhere = await compare(raw.everywhere, {}, false);
    const sameCategory = await compare(raw.sameCategory, {}, true);
    const filtered = await compare(raw.brand("brand-7"), { brands: ["brand-7"] }, false);
    const rare = await compare(raw.brand("rare"), { brands: ["rare"] }, false);
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
      filteredRecallAt20: filtered.recallAt20,
      scan,
      everywhere,
      defaultOptions: sameCategory,
      filtered5Percent: filtered,
      filteredHalfPercent: rare,
      loadSeconds: (indexStarted - loadStarted) / 1000,
      indexSeconds: (indexed - indexStarted) / 1000,
      samples: seeds,
      ...server,
      node: process.version,
      processor: `${cpus().length} × ${cpus()[0]?.model}`,
    };
  });
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

/** Each seed once unmeasured, to warm what both read, then both in turns of who comes first. */
async function compareSearches(
  similar: SimilarItems,
  database: Database,
  raw: RawSearch,
  {
    filter,
    sameCategory,
    seeds,
    products,
  }: { filter: NeighbourFilter; sameCategory: boolean; seeds: number; products: number },
): Promise<Comparison> {
  const ask = async (id: bigint): Promise<bigint[]> => {
    const page = await similar.toProduct(`prod_${id}`, { first: FIRST, filter, options: { sameCategory } });
    return page.items.map(({ productId }) => productId);
  };
  const client = await database.pool.connect();
  const rawTimes: number[] = [];
  const times: number[] = [];
  let hits = 0;
  let rawHits = 0;
  let expected = 0;
  try {
    for (const setting of raw.settings) await client.query(setting);
    const askRaw = async (id: bigint): Promise<bigint[]> => {
      const { rows } = await client.query<{ product_id: bigint }>({
        name: raw.name,
        text: raw.text,
        values: [id, ...raw.values],
      });
      return rows.map((row) => row.product_id);
    };
    for (let round = 0; round < seeds; round++) {
      const id = BigInt(1 + Math.floor(((round + 0.5) / seeds) * products));
      const { rows: truth } = await client.query<{ product_id: bigint }>(raw.truth, [id, ...raw.values]);
      await ask(id);
      await askRaw(id);
      let found: bigint[] = [];
      let rawFound: bigint[] = [];
      const timed = async (work: () => Promise<void>, into: number[]): Promise<void> => {
        const startedAt = performance.now();
        await work();
        into.push(performance.now() - startedAt);
      };
      const ours = () => timed(async () => void (found = await ask(id)), times);
      const theirs = () => timed(async () => void (rawFound = await askRaw(id)), rawTimes);
      for (const turn of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn();
      const right = new Set(truth.map((row) => row.product_id));
      hits += found.filter((product) => right.has(product)).length;
      rawHits += rawFound.filter((product) => right.has(product)).length;
      expected += right.size;
    }
  } finally {
    await client.query("RESET ALL");
    client.release();
  }
  const [rawP50, ourP50] = [quantile(rawTimes, 0.5), quantile(times, 0.5)];
  return {
    rawSqlP50Ms: round(rawP50),
    rawSqlP90Ms: round(quantile(rawTimes, 0.9)),
    similarItemsP50Ms: round(ourP50),
    similarItemsP90Ms: round(quantile(times, 0.9)),
    ratioToRawSql: round(ourP50 / rawP50),
    recallAt20: round(hits / expected),
    rawSqlRecallAt20: round(rawHits / expected),
  };
}

function quantile(values: readonly number[], share: number): number {
  const ordered = [...values].sort((left, right) => left - right);
  return ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

async function withBenchDatabase<T>(
  work: (database: Database, logger: ReturnType<typeof createLogger>) => Promise<T>,
): Promise<T> {
  const server =
    process.env.DATABASE_URL ?? process.env.TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
  const name = `lookalike_bench_${process.pid}`;
  const logger = createLogger("warn");
  const data = mkdtempSync(path.join(tmpdir(), "lookalike-bench-"));
  const onServer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await onServer(`CREATE DATABASE ${name}`);
  try {
    const url = new URL(server);
    url.pathname = `/${name}`;
    const database = await openDatabase({ databaseUrl: url.toString(), data }, logger);
    try {
      return await work(database, logger);
    } finally {
      await database.close();
    }
  } finally {
    await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    rmSync(data, { recursive: true, force: true });
  }
}
