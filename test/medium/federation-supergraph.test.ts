import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { composeServer } from "../../src/compose-server.js";
import type { Config } from "../../src/config.js";
import { buildServer } from "../../src/server/build-server.js";
import { describeOnBothDatabases } from "../support/database.js";
import { countStatements } from "../support/statements.js";
import { type RunningGraphql, serveProductsSubgraph, serveSupergraph } from "../support/supergraph.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: { readonly message: string; readonly extensions: { readonly code: string } }[];
}

interface Neighbour {
  readonly id: string;
  readonly name: string;
}

const IDS = ["mugs-red", "mugs-blue", "mugs-green", "mugs-orange", "lamps-red", "lamps-blue", "plates-green"];
/** In the shop's own tables, but not in ours. */
const UNKNOWN = "chairs-red";

/** The names that only the shop knows. */
const nameOf = (id: string): string => `The shop's ${id}`;

describeOnBothDatabases("a supergraph", (_, kind) => {
  let shop: TinyShop;
  before(async () => {
    shop = await openTinyShop(kind, 1);
  });
  after(() => shop.close());

  /** A server of ours with its subgraph. */
  async function serve(settings: Partial<Config> = {}): Promise<RunningGraphql> {
    const parts = composeServer({ ...shop.core, config: { ...shop.config, subgraph: true, ...settings } });
    const server = await buildServer(parts);
    const address = await server.listen({ host: "127.0.0.1", port: 0 });
    return {
      url: `${address}/subgraph`,
      async close() {
        await server.close();
        await parts.close();
      },
    };
  }

  /** The shop's products and our similar items behind one gateway, for as long as `work` takes. */
  async function withSupergraph(
    work: (ask: (query: string, variables?: object) => Promise<Answer>, ours: RunningGraphql) => Promise<void>,
    settings: Partial<Config> = {},
    products: Parameters<typeof serveProductsSubgraph>[0] = PRODUCTS,
  ): Promise<void> {
    const running: RunningGraphql[] = [];
    try {
      const ours = await serve(settings);
      running.push(ours);
      const theirs = await serveProductsSubgraph(products);
      running.push(theirs);
      const gateway = await serveSupergraph({ products: theirs.url, lookalike: ours.url });
      running.unshift(gateway);
      await work((query, variables) => ask(gateway.url, query, variables), ours);
    } finally {
      for (const server of running) await server.close();
    }
  }

  it("answers one query from both subgraphs: the shop's product, our neighbours, the shop's names", async () => {
    await withSupergraph(async (ask) => {
      const answer = await ask(
        `{ product(id: "mugs-red") { name similarItems(first: 2) { status edges { score reason node { id name } } nodes { id name } } } }`,
      );
      assert.equal(answer.errors, undefined);
      const { name, similarItems } = answer.data!.product as {
        name: string;
        similarItems: { status: string; edges: { score: number; node: Neighbour }[]; nodes: Neighbour[] };
      };
      assert.equal(name, nameOf("mugs-red"));
      assert.equal(similarItems.status, "READY");
      assert.equal(similarItems.nodes.length, 2);
      assert.deepEqual(
        similarItems.edges.map(({ node }) => node),
        similarItems.nodes,
      );
      for (const node of similarItems.nodes) {
        assert.match(node.id, /^mugs-/);
        assert.equal(node.name, nameOf(node.id));
      }
    });
  });

  it("answers a list of products with one search and one look-up of their ids", async () => {
    await withSupergraph(async (ask) => {
      const { statements, stop } = countStatements(shop.core.database, /product_vector|external_id = ANY/);
      try {
        const answer = await ask(
          "{ products { name similarItems(first: 1, options: { fallback: NONE, widenCategory: false }) { nodes { name } } } }",
        );
        assert.equal(answer.errors, undefined);
        const products = answer.data!.products as { similarItems: { nodes: Neighbour[] } }[];
        assert.equal(products.length, IDS.length);
        assert.ok(products.every(({ similarItems }) => similarItems.nodes.length > 0));
        assert.equal(statements.filter((text) => text.includes("product_vector")).length, 1);
        assert.equal(statements.filter((text) => text.includes("external_id = ANY")).length, 1);
      } finally {
        stop();
      }
    });
  });

  it("begins a search with the platform's id, and leaves out what is excluded by it", async () => {
    await withSupergraph(async (ask) => {
      const query = `query ($exclude: [ID!]) {
        similarItems(productId: "mugs-red", first: 5, filter: { excludeIds: $exclude }) { nodes { id name } } }`;
      const all = (await ask(query, {})).data!.similarItems as { nodes: Neighbour[] };
      const [nearest] = all.nodes;
      assert.equal(nearest!.name, nameOf(nearest!.id));
      const answer = await ask(query, { exclude: [nearest!.id, UNKNOWN] });
      assert.equal(answer.errors, undefined);
      const rest = answer.data!.similarItems as { nodes: Neighbour[] };
      assert.ok(!rest.nodes.some(({ id }) => id === nearest!.id));
    });
  });

  it("has no similar items for a product that we do not have, and says no more about it", async () => {
    await withSupergraph(async (ask) => {
      const answer = await ask(`{ product(id: "${UNKNOWN}") { name similarItems { nodes { id } } } }`);
      assert.deepEqual(answer, { data: { product: { name: nameOf(UNKNOWN), similarItems: null } } });
    });
  });

  it("keeps the list when the shop has deleted one of its products", async () => {
    const gone = "mugs-purple";
    const deleting = {
      ...PRODUCTS.resolvers,
      Product: { __resolveReference: ({ id }: { id: string }) => (id === gone ? null : byId(id)) },
    };
    await withSupergraph(
      async (ask) => {
        const answer = await ask(
          `{ product(id: "mugs-red") { similarItems(first: 20, options: { fallback: NONE, excludeSameGroup: false }) { nodes { name } } } }`,
        );
        const { similarItems } = answer.data!.product as { similarItems: { nodes: (Neighbour | null)[] } };
        assert.equal(similarItems.nodes.filter((node) => node === null).length, 1);
        assert.ok(similarItems.nodes.some((node) => node !== null));
      },
      {},
      { ...PRODUCTS, resolvers: deleting },
    );
  });

  it("leaves the page its product while our server is down", async () => {
    await withSupergraph(async (ask, ours) => {
      await ours.close();
      const answer = await ask(`{ product(id: "mugs-red") { name similarItems { nodes { name } } } }`);
      assert.deepEqual(answer.data, { product: { name: nameOf("mugs-red"), similarItems: null } });
      assert.ok(answer.errors!.length > 0);
    });
  });

  it("hands Saleor's channel on to the neighbours", async () => {
    const inChannel = `query { product(id: "mugs-red", channel: "eu") { name similarItems(first: 2) { nodes { id channel name } } } }`;
    await withSupergraph(
      async (ask) => {
        const answer = await ask(inChannel);
        assert.equal(answer.errors, undefined);
        const { similarItems } = answer.data!.product as { similarItems: { nodes: Neighbour[] } };
        for (const { id, name } of similarItems.nodes) assert.equal(name, `${nameOf(id)} in eu`);
        const begun = await ask(
          `{ similarItems(productId: "mugs-red", channel: "us", first: 2) { edges { node { channel } } nodes { id name } } }`,
        );
        assert.equal(begun.errors, undefined);
        const { nodes } = begun.data!.similarItems as { nodes: Neighbour[] };
        for (const { id, name } of nodes) assert.equal(name, `${nameOf(id)} in us`);
      },
      { productKey: "id channel" },
      PRODUCTS_IN_CHANNELS,
    );
  });

  it("takes another field as key", async () => {
    await withSupergraph(
      async (ask) => {
        const answer = await ask(`{ product(sku: "lamps-red") { similarItems(first: 2) { nodes { sku name } } } }`);
        assert.equal(answer.errors, undefined);
        const { similarItems } = answer.data!.product as { similarItems: { nodes: { sku: string; name: string }[] } };
        for (const { sku, name } of similarItems.nodes) assert.equal(name, nameOf(sku));
      },
      { productKey: "sku" },
      PRODUCTS_BY_SKU,
    );
  });

  it("names the sources of an id that several of them use, until it is told which one is meant", async () => {
    const [row] = await shop.core.database.query<{ id: bigint }>(
      `INSERT INTO product (source, external_id, title, category_path, digest, updated_at, source_updated_at)
       SELECT 'outlet', external_id, title, category_path, digest, updated_at, source_updated_at
       FROM product WHERE external_id = 'plates-green' RETURNING id`,
    );
    const query = `{ product(id: "plates-green") { name similarItems(first: 1) { nodes { name } } } }`;
    try {
      await withSupergraph(async (ask) => {
        const answer = await ask(query);
        assert.equal(answer.errors![0]!.extensions.code, "AMBIGUOUS_PRODUCT");
        assert.match(answer.errors![0]!.message, /drawn, outlet/);
        assert.deepEqual(answer.data, { product: { name: nameOf("plates-green"), similarItems: null } });
      });
      await withSupergraph(
        async (ask) => {
          const answer = await ask(query);
          assert.equal(answer.errors, undefined);
          assert.equal((answer.data!.product as { similarItems: { nodes: unknown[] } }).similarItems.nodes.length, 1);
        },
        { productSource: "drawn" },
      );
    } finally {
      await shop.core.database.query("DELETE FROM product WHERE id = $1", [row!.id]);
    }
  });

  it("resolves our own ids, and refuses what is no representation of a product", async () => {
    const ours = await serve();
    try {
      const id = await shop.core.findProduct("mugs-red");
      const query = `query ($representations: [_Any!]!) {
        _entities(representations: $representations) { ... on Product { similarItems(first: 1) { nodes { id } } } } }`;
      const representations = [{ __typename: "Product", id: `prod_${id}` }, { __typename: "Product" }, "nonsense"];
      const answer = await ask(ours.url, query, { representations });
      const entities = (answer.data as unknown as { _entities: { similarItems: { nodes: Neighbour[] } }[] })._entities;
      assert.match(entities[0]!.similarItems.nodes[0]!.id, /^mugs-/);
      assert.deepEqual(entities.slice(1), [null, null]);
      assert.deepEqual(
        answer.errors!.map(({ extensions }) => extensions.code),
        ["BAD_USER_INPUT", "BAD_USER_INPUT"],
      );
    } finally {
      await ours.close();
    }
  });
});

const byId = (id: string): object => ({ id, name: nameOf(id) });

const PRODUCTS = {
  typeDefs: `
    type Product @key(fields: "id") { id: ID! name: String! }
    type PageInfo { total: Int }
    type Query { product(id: ID!): Product products: [Product!]! pageInfo: PageInfo }`,
  resolvers: {
    Query: { product: (_: unknown, { id }: { id: string }) => byId(id), products: () => IDS.map(byId) },
    Product: { __resolveReference: ({ id }: { id: string }) => byId(id) },
  },
};

const inChannel = ({ id, channel }: { id: string; channel: string }): object => ({
  id,
  channel,
  name: `${nameOf(id)} in ${channel}`,
});

const PRODUCTS_IN_CHANNELS = {
  typeDefs: `
    type Product @key(fields: "id channel") { id: ID! channel: String name: String! }
    type Query { product(id: ID!, channel: String!): Product }`,
  resolvers: {
    Query: { product: (_: unknown, args: { id: string; channel: string }) => inChannel(args) },
    Product: { __resolveReference: inChannel },
  },
};

const PRODUCTS_BY_SKU = {
  typeDefs: `
    type Product @key(fields: "sku") { sku: String! name: String! }
    type Query { product(sku: String!): Product }`,
  resolvers: {
    Query: { product: (_: unknown, { sku }: { sku: string }) => ({ sku, name: nameOf(sku) }) },
    Product: { __resolveReference: ({ sku }: { sku: string }) => ({ sku, name: nameOf(sku) }) },
  },
};

async function ask(url: string, query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}
