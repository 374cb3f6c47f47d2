import { Pool } from "undici";

const QUERY = `query ($id: ID!) {
  similarItems(productId: $id, first: 10, options: { sameCategory: false }) { model { id } edges { score node { id } } }
}`;

/** One answer as a shopper saw it. */
export interface SeenAnswer {
  readonly product: number;
  readonly modelId: number;
  readonly items: readonly string[];
  readonly ms: number;
}

export interface SteadyClient {
  readonly answers: readonly SeenAnswer[];
  readonly errors: readonly string[];
  /** Answers from here on, until it is called again. */
  take(): SeenAnswer[];
  stop(): Promise<void>;
}

/** Asks one question after the other, as long as it runs, about products in turn. */
export function startSteadyClient(address: string, products: number): SteadyClient {
  const pool = new Pool(address, { connections: 1 });
  const answers: SeenAnswer[] = [];
  const errors: string[] = [];
  let running = true;
  let taken = 0;
  const asking = (async () => {
    for (let round = 0; running; round++) {
      const product = 1 + ((round * 7919) % products);
      const startedAt = performance.now();
      try {
        const { body } = await pool.request({
          method: "POST",
          path: "/graphql",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query: QUERY, variables: { id: `prod_${product}` } }),
        });
        const { data, errors: refused } = (await body.json()) as {
          data?: { similarItems: { model: { id: string }; edges: { node: { id: string } }[] } };
          errors?: unknown[];
        };
        if (refused !== undefined || data === undefined) throw new Error(JSON.stringify(refused));
        answers.push({
          product,
          modelId: Number(data.similarItems.model.id),
          items: data.similarItems.edges.map(({ node }) => node.id),
          ms: performance.now() - startedAt,
        });
      } catch (error) {
        errors.push(String(error));
      }
    }
  })();
  return {
    answers,
    errors,
    take() {
      const part = answers.slice(taken);
      taken = answers.length;
      return part;
    },
    async stop() {
      running = false;
      await asking;
      if (!pool.closed) await pool.close();
    },
  };
}
