import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";
import { quantile, rounded } from "./statistics.js";

const QUERY = `query ($id: ID!) {
  similarItems(productId: $id, first: 20, options: { sameCategory: false }) { edges { score node { id title } } }
}`;
const AT_ONCE = 8;
const SECONDS = 5;
/** Requests until the code is compiled. */
const WARM_UP = 400;
/** Turns of the two servers; what else the machine does falls on both. */
const ROUNDS = 3;

export interface RequestFigures {
  readonly requestsPerSecond: number;
  readonly httpP50Ms: number;
  readonly httpP90Ms: number;
  /** Processor time of the server's process for one request, without that of the database. */
  readonly cpuMicrosPerRequest: number;
  /** The same of Fastify and Apollo Server with a resolver that answers from memory, in the same shape. */
  readonly bareCpuMicrosPerRequest: number;
  readonly cpuRatioToBare: number;
}

/** Asks the real server over HTTP, and one that does nothing but answer, in turns. */
export async function measureRequests(
  config: { readonly data: string; readonly databaseUrl?: string },
  products: number,
  samples: number,
): Promise<RequestFigures> {
  const ours = await startServer("similar-server", { DATABASE_URL: config.databaseUrl, LOOKALIKE_DATA: config.data });
  const bare = await startServer("bare-server", {});
  try {
    let turn = 0;
    // A step that shares no factor with round numbers of products visits all of them.
    const next = (): number => 1 + ((turn++ * 7919) % products);
    for (const server of [ours, bare]) for (let round = 0; round < WARM_UP; round++) await server.ask(next());
    const times: number[] = [];
    for (let round = 0; round < samples; round++) {
      const product = next();
      const startedAt = performance.now();
      await ours.ask(product);
      times.push(performance.now() - startedAt);
    }
    const rates: number[] = [];
    const [own, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      const { perSecond, cpuMicros } = await pressed(ours, next);
      rates.push(perSecond);
      own.push(cpuMicros);
      theirs.push((await pressed(bare, next)).cpuMicros);
    }
    const [cpu, bareCpu] = [quantile(own, 0.5), quantile(theirs, 0.5)];
    return {
      requestsPerSecond: Math.round(quantile(rates, 0.5)),
      httpP50Ms: rounded(quantile(times, 0.5), 3),
      httpP90Ms: rounded(quantile(times, 0.9), 3),
      cpuMicrosPerRequest: Math.round(cpu),
      bareCpuMicrosPerRequest: Math.round(bareCpu),
      cpuRatioToBare: rounded(cpu / bareCpu, 3),
    };
  } finally {
    await ours.stop();
    await bare.stop();
  }
}

interface AskedServer {
  ask(product: number): Promise<void>;
  /** Processor time so far, in microseconds. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

async function startServer(name: string, env: NodeJS.ProcessEnv): Promise<AskedServer> {
  const child: ChildProcess = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), {
    env: { ...process.env, ...env },
  });
  const exited = once(child, "exit");
  const [address] = (await Promise.race([
    once(child, "message"),
    exited.then(([code]) => {
      throw new Error(`The server ended with code ${code} before it listened.`);
    }),
  ])) as [string];
  const pool = new Pool(address, { connections: AT_ONCE });
  return {
    async ask(product) {
      const { statusCode, body } = await pool.request({
        method: "POST",
        path: "/graphql",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: QUERY, variables: { id: `prod_${product}` } }),
      });
      const answer = (await body.json()) as { data?: { similarItems: { edges: unknown[] } } };
      if (statusCode !== 200 || answer.data?.similarItems.edges.length !== 20) {
        throw new Error(`The server answered ${statusCode}: ${JSON.stringify(answer).slice(0, 500)}`);
      }
    },
    async cpu() {
      const answered = once(child, "message");
      child.send("cpu");
      return ((await answered) as [number])[0];
    },
    async stop() {
      await pool.close();
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** Eight callers at once, each with its next request as soon as it has its answer. */
async function pressed(server: AskedServer, next: () => number): Promise<{ perSecond: number; cpuMicros: number }> {
  const cpuBefore = await server.cpu();
  const startedAt = performance.now();
  let answered = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - startedAt < SECONDS * 1000) {
      await server.ask(next());
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  return { perSecond: answered / seconds, cpuMicros: ((await server.cpu()) - cpuBefore) / answered };
}
