import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";
import { quantile, rounded } from "./statistics.js";

const QUERY = `query ($id: ID!) {
  similarItems(productId: $id, first: 20, options: { sameCategory: false }) { edges { score node { id title } } }
}`;
const AT_ONCE = 8;
const SECONDS = 5;

/** Asks the real server over HTTP: one request at a time for the latency, then eight for the rate. */
export async function measureRequests(
  config: { readonly data: string; readonly databaseUrl?: string },
  products: number,
  samples: number,
): Promise<{ requestsPerSecond: number; httpP50Ms: number; httpP90Ms: number }> {
  const server = fork(fileURLToPath(new URL("./similar-server.js", import.meta.url)), {
    env: { ...process.env, DATABASE_URL: config.databaseUrl, LOOKALIKE_DATA: config.data },
  });
  const exited = once(server, "exit");
  try {
    const [address] = (await Promise.race([
      once(server, "message"),
      exited.then(([code]) => {
        throw new Error(`The server ended with code ${code} before it listened.`);
      }),
    ])) as [string];
    const pool = new Pool(address, { connections: AT_ONCE });
    const ask = async (product: number): Promise<void> => {
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
    };
    let turn = 0;
    // A step that shares no factor with round numbers of products visits all of them.
    const next = (): number => 1 + ((turn++ * 7919) % products);
    for (let round = 0; round < 50; round++) await ask(next());
    const times: number[] = [];
    for (let round = 0; round < samples; round++) {
      const product = next();
      const startedAt = performance.now();
      await ask(product);
      times.push(performance.now() - startedAt);
    }
    const startedAt = performance.now();
    let answered = 0;
    const ask8 = async (): Promise<void> => {
      while (performance.now() - startedAt < SECONDS * 1000) {
        await ask(next());
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask8));
    const seconds = (performance.now() - startedAt) / 1000;
    await pool.close();
    return {
      requestsPerSecond: Math.round(answered / seconds),
      httpP50Ms: rounded(quantile(times, 0.5), 3),
      httpP90Ms: rounded(quantile(times, 0.9), 3),
    };
  } finally {
    if (server.connected) server.disconnect();
    await exited;
  }
}
