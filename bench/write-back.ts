import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Database } from "../src/database/database.type.js";
import { BadUserInput } from "../src/errors.js";
import { createLogger } from "../src/logger.js";
import { createModelVersions } from "../src/models/index.js";
import { topNeighbours } from "../src/models/top-neighbours.js";
import { createVectors, type Vectors } from "../src/vectors/index.js";
import { openBenchDatabase } from "./support/bench-database.js";
import type { Benchmark } from "./support/benchmark.type.js";
import { describeMachine } from "./support/machine.js";
import { median, quantile, rounded } from "./support/statistics.js";
import { type SeenAnswer, startSteadyClient } from "./support/steady-client.js";
import { DIMS, loadSyntheticCatalog } from "./support/synthetic-catalog.js";
import type { RefreshAnswer, RefreshOrder, RefreshSettings } from "./support/write-back.type.js";

/** Of the candidate; another length than the live model's, so that a mix of the two would be an error. */
const CANDIDATE_DIMS = 128;
const IDLE_MS = 4000;
const EMBED_SECONDS = 8;
const SWITCHES = 10;
const TURNS = 5;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

export const benchmark: Benchmark = {
  summary: "writing a new model's vectors against one bare COPY BINARY, while a client asks similarItems all the time.",
  options: { products: { type: "string", default: "50000" } },
  help: { products: "Products of one photo each (50000)." },
  async run(values) {
    const products = Number(values.products);
    if (!Number.isSafeInteger(products) || products < 100) {
      throw new BadUserInput("--products must be a whole number, at least 100.");
    }
    const opened = await openBenchDatabase("postgres");
    try {
      const { data, databaseUrl } = opened.config;
      return await measure(opened.database, { data, databaseUrl: databaseUrl! }, products);
    } finally {
      await opened.drop();
    }
  },
};

async function measure(
  database: Database,
  config: { readonly data: string; readonly databaseUrl: string },
  products: number,
): Promise<Record<string, unknown>> {
  const logger = createLogger("warn");
  const vectors = createVectors({ database, logger });
  const models = createModelVersions({ database, vectors, logger });
  const live = await models.ensureBase({ name: "synthetic", digest: "synthetic", dims: DIMS });
  say(`writing ${products} products …`);
  await loadSyntheticCatalog(database, vectors, live.id, products);
  await vectors.ensureIndex(live.id);
  const candidate = await models.ensureBase({ name: "candidate", digest: "candidate", dims: CANDIDATE_DIMS });
  await database.query("CHECKPOINT");

  const server = await startServer(config);
  const refresh = await startRefresh({ ...config, modelId: candidate.id, dims: CANDIDATE_DIMS });
  const client = startSteadyClient(server.address, products);
  try {
    // Statements are planned and code is compiled before anything counts.
    await delay(IDLE_MS / 2);
    client.take();
    await delay(IDLE_MS);
    const idle = client.take();
    say("writing the rows, and copying them bare, in turn …");
    const compared = await refresh.ask({ kind: "compare", times: TURNS });
    if (compared.kind !== "compare") throw new Error("The writer did not answer.");
    const [copySeconds, writeSeconds] = [median(compared.copySeconds), median(compared.writeSeconds)];
    await database.query("CHECKPOINT");
    client.take();
    say("refreshing …");
    const refreshed = await refresh.ask({ kind: "refresh" });
    if (refreshed.kind !== "refresh") throw new Error("The refresh did not answer.");
    const during = client.take();
    say("promoting and rolling back …");
    await refresh.ask({ kind: "switch", times: SWITCHES });
    const switching = client.take();
    say("embedding on every core …");
    const embedded = await refresh.ask({ kind: "embed", seconds: EMBED_SECONDS });
    const embedding = client.take();
    await client.stop();
    say("checking each answer against its model …");
    const all = [...during, ...switching];
    const checked = await checkAnswers(vectors, [live.id, candidate.id], [...client.answers]);
    return {
      rows: products,
      rowsPerSecond: Math.round(products / writeSeconds),
      copyRowsPerSecond: Math.round(products / copySeconds),
      ratioToCopy: rounded(copySeconds / writeSeconds, 3),
      refreshRowsPerSecond: Math.round(products / refreshed.photoSeconds),
      productRowsPerSecond: Math.round(products / refreshed.productSeconds),
      indexSeconds: rounded(refreshed.indexSeconds, 1),
      scan: refreshed.scan,
      answers: client.answers.length,
      errors: client.errors.length,
      emptyAnswers: client.answers.filter(({ items }) => items.length === 0).length,
      mixedAnswers: checked.mixed,
      modelsSeen: [...new Set(all.map(({ modelId }) => modelId))],
      promotions: SWITCHES,
      similarItemsIdleP50Ms: latency(idle, 0.5),
      similarItemsIdleP90Ms: latency(idle, 0.9),
      similarItemsWritingP50Ms: latency(during, 0.5),
      similarItemsWritingP90Ms: latency(during, 0.9),
      similarItemsEmbeddingP50Ms: latency(embedding, 0.5),
      similarItemsEmbeddingP90Ms: latency(embedding, 0.9),
      embeddedPerSecond: embedded.kind === "embed" ? Math.round(embedded.photos / EMBED_SECONDS) : 0,
      latencyRatioWriting: rounded(latency(during, 0.5) / latency(idle, 0.5), 2),
      latencyRatioEmbedding: rounded(latency(embedding, 0.5) / latency(idle, 0.5), 2),
      ...(client.errors.length > 0 ? { firstError: client.errors[0] } : {}),
      ...describeMachine("pg"),
    };
  } finally {
    await client.stop();
    refresh.stop();
    await server.stop();
  }
}

const latency = (answers: readonly SeenAnswer[], share: number): number =>
  rounded(
    quantile(
      answers.map(({ ms }) => ms),
      share,
    ),
    2,
  );

/** Answers with an item that the model they name would not show near the product: made of another model's vectors. */
async function checkAnswers(
  vectors: Vectors,
  modelIds: readonly number[],
  answers: readonly SeenAnswer[],
): Promise<{ mixed: number }> {
  let mixed = 0;
  const sample = answers.filter((_, place) => place % Math.ceil(answers.length / 500) === 0);
  for (const { product, modelId, items } of sample) {
    const [own, other] = await Promise.all(
      [modelId, modelIds.find((id) => id !== modelId)!].map(async (id) => {
        const found = await topNeighbours(vectors, id, [BigInt(product)], { sameCategory: false });
        return new Set((found.get(BigInt(product)) ?? []).map(({ productId }) => `prod_${productId}`));
      }),
    );
    const ofOwn = items.filter((item) => own!.has(item)).length;
    const ofOther = items.filter((item) => other!.has(item)).length;
    if (ofOwn <= ofOther) mixed += 1;
  }
  return { mixed };
}

async function startServer(config: { readonly data: string; readonly databaseUrl: string }) {
  const child = fork(fileURLToPath(new URL("./support/similar-server.js", import.meta.url)), {
    env: { ...process.env, DATABASE_URL: config.databaseUrl, LOOKALIKE_DATA: config.data },
  });
  const exited = once(child, "exit");
  const [address] = (await Promise.race([
    once(child, "message"),
    exited.then(([code]) => {
      throw new Error(`The server ended with code ${code} before it listened.`);
    }),
  ])) as [string];
  return {
    address,
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function startRefresh(settings: RefreshSettings) {
  const child = fork(fileURLToPath(new URL("./support/write-back-refresh.js", import.meta.url)), [
    JSON.stringify(settings),
  ]);
  const exited = once(child, "exit");
  const answer = async (): Promise<RefreshAnswer> => {
    const [message] = (await Promise.race([
      once(child, "message"),
      exited.then(([code]) => {
        throw new Error(`The refresh ended with code ${code}.`);
      }),
    ])) as [RefreshAnswer];
    return message;
  };
  await answer();
  return {
    ask(order: RefreshOrder): Promise<RefreshAnswer> {
      child.send(order);
      return answer();
    },
    stop: () => child.kill(),
  };
}
