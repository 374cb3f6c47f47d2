import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import express from "express";
import fastify from "fastify";
import { parse, subscribe } from "graphql";
import { type Lookalike, type LookalikeContext, type LookalikeOptions, lookalike } from "../../src/index.js";
import { describeOnBothDatabases } from "../support/database.js";
import { asAdmin, type GraphqlAnswer } from "../support/shop.js";
import { countStatements } from "../support/statements.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";
import { createYoga } from "../support/yoga.js";

interface Noted {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

const SIMILAR = `{ similarItems(productId: "mugs-red", first: 2) {
  status edges { reason matchedImage { url } node { externalId title } } } }`;

interface Similar {
  readonly similarItems: {
    readonly status: string;
    readonly edges: { matchedImage: { url: string }; node: { externalId: string; title: string } }[];
  };
}

describeOnBothDatabases("the library in another server", (_, kind) => {
  let shop: TinyShop;
  let plugin: Lookalike;
  let noted: Noted[];
  const opened: Lookalike[] = [];
  const open = async (options: LookalikeOptions = {}): Promise<Lookalike> => {
    const own = { logLevel: "debug", logger: noteIn(noted), publicUrl: "/lookalike" } as const;
    const library = await lookalike({ ...shop.config, ...own, ...options });
    opened.push(library);
    return library;
  };
  before(async () => {
    noted = [];
    shop = await openTinyShop(kind, 1);
    plugin = await open();
  });
  after(async () => {
    for (const library of opened) await library.close();
    await shop.close();
  });

  function assertSimilar(answer: GraphqlAnswer<Similar>): void {
    assert.equal(answer.errors, undefined);
    const { status, edges } = answer.data!.similarItems;
    assert.equal(status, "READY");
    assert.equal(edges.length, 2);
    for (const { node, matchedImage } of edges) {
      assert.match(node.externalId, /^mugs-/);
      assert.match(matchedImage.url, /^\/lookalike\/photos\/img_\d+$/);
    }
  }

  it("joins an Apollo Server whose Product is another one, and gathers a list's searches into one", async () => {
    const prefixed = await open({ typePrefix: "Lookalike", fields: ["similarItems"] });
    const shopTypes = `
      type Product { id: ID! name: String! similarItems(first: Int = 2): LookalikeSimilarItemConnection }
      type Query { products: [Product!]! }`;
    const server = new ApolloServer<LookalikeContext & { readonly customer: string }>({
      typeDefs: [shopTypes, prefixed.typeDefs],
      resolvers: [
        {
          Query: { products: () => ["mugs-red", "lamps-blue", "bags-green", "no-such-product"].map((id) => ({ id })) },
          Product: {
            name: ({ id }: { id: string }, _args: unknown, { customer }: { customer: string }) =>
              `${id} for ${customer}`,
            similarItems: ({ id }: { id: string }, args: object, context: LookalikeContext) =>
              prefixed.similarItems(id, { ...args, options: { fallback: "NONE" } }, context),
          },
        },
        prefixed.resolvers,
      ],
      stopOnTerminationSignals: false,
    });
    const { url } = await startStandaloneServer(server, {
      listen: { host: "127.0.0.1", port: 0 },
      context: async ({ req }) => ({ ...(await prefixed.createContext(req)), customer: "Ada" }),
    });
    const { statements, stop } = countStatements(shop.core.database, /product_vector/);
    try {
      const answer = await ask<{
        products: { name: string; similarItems: { nodes: { externalId: string }[] } | null }[];
      }>(url, "{ products { name similarItems { nodes { externalId } } } }");
      assert.equal(answer.errors, undefined);
      const { products } = answer.data!;
      assert.equal(products[0]!.name, "mugs-red for Ada");
      assert.deepEqual(
        products.map(({ similarItems }) => similarItems?.nodes.length ?? null),
        [2, 2, 2, null],
      );
    } finally {
      stop();
      await server.stop();
      await prefixed.close();
    }
    assert.ok(statements.length <= 1);
  });

  it("is the schema of a Yoga server", async () => {
    const yoga = createYoga({
      schema: plugin.schema,
      context: ({ request }) => plugin.createContext(request),
      logging: false,
    });
    await onLoopback(createServer(yoga), async (address) => {
      assertSimilar(await ask(`${address}/graphql`, SIMILAR));
      const wrong = await ask(`${address}/graphql`, `{ similarItems(productId: "nowhere") { status } }`);
      assert.equal(wrong.errors![0]!.extensions.code, "PRODUCT_NOT_FOUND");
      const without = await ask<Similar>(
        `${address}/graphql`,
        `{ similarItems(productId: "mugs-red", filter: { excludeIds: ["mugs-blue", "mugs-green", "nowhere"] }) {
          status edges { matchedImage { url } node { externalId } } } }`,
      );
      assert.equal(without.errors, undefined);
      const left = without.data!.similarItems.edges.map(({ node }) => node.externalId);
      assert.ok(left.length > 0 && !left.includes("mugs-blue") && !left.includes("mugs-green"));
      const short = await ask(`${address}/graphql`, `{ similarItems(productId: "mugs-red", first: 0) { status } }`);
      assert.equal(short.errors![0]!.extensions.code, "BAD_USER_INPUT");
      const refused = await ask(`${address}/graphql`, SIMILAR, { authorization: "Bearer of-nothing" });
      assert.equal(refused.status, 401);
      assert.equal(refused.errors![0]!.extensions.code, "UNAUTHENTICATED");
    });
  });

  it("is a plugin of a Fastify server that has routes and parsers of its own", async () => {
    const host = fastify();
    host.post("/orders", async (request) => request.body);
    await host.register(plugin.fastifyPlugin, { prefix: "/lookalike" });
    const address = await host.listen({ host: "127.0.0.1", port: 0 });
    try {
      await assertMounted(address);
      const order = await fetch(`${address}/orders`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"id":1}',
      });
      assert.deepEqual(await order.json(), { id: 1 });
    } finally {
      await host.close();
    }
  });

  it("is a middleware of an Express app, whether bodies are parsed before it or not", async () => {
    for (const parsers of [[], [express.json()], [express.text({ type: "*/*" })], [express.raw({ type: "*/*" })]]) {
      const app = express();
      for (const parser of parsers) app.use(parser);
      app.use("/lookalike", plugin.expressMiddleware);
      app.get("/", (_request, response) => void response.send("the shop"));
      await onLoopback(createServer(app), async (address) => {
        await assertMounted(address);
        assert.equal(await (await fetch(address)).text(), "the shop");
      });
    }
  });

  it("answers requests of a plain HTTP server", async () => {
    await onLoopback(
      createServer((request, response) => void plugin.handler(request, response)),
      async (address) => assertSimilar(await ask(`${address}/graphql`, SIMILAR)),
    );
  });

  async function assertMounted(address: string): Promise<void> {
    const answer = await ask<Similar>(`${address}/lookalike/graphql`, SIMILAR);
    assertSimilar(answer);
    const photo = await fetch(address + answer.data!.similarItems.edges[0]!.matchedImage.url);
    assert.equal(photo.status, 200);
    assert.equal(photo.headers.get("content-type"), "image/png");
    assert.equal((await fetch(`${address}/lookalike/readyz`)).status, 200);
    const nothing = await fetch(`${address}/lookalike/nothing`);
    assert.equal(nothing.status, 404);
    const hidden = await ask(`${address}/lookalike/graphql`, "{ catalogHealth { distinctPhotos } }");
    assert.equal(hidden.errors![0]!.extensions.code, "UNAUTHENTICATED");
    assert.equal(
      (await ask(`${address}/lookalike/graphql`, "{ catalogHealth { distinctPhotos } }", asAdmin)).errors,
      undefined,
    );
  }

  it("has what shoppers ask, or everything, with the roles that the host or the headers give", async () => {
    assert.ok(!plugin.typeDefs.includes("startTraining"));
    assert.ok(!plugin.typeDefs.includes("type Mutation") || plugin.typeDefs.includes("recordInteractions"));
    const whole = await open({ fields: "everything" });
    try {
      const yoga = (role?: "storefront" | "admin") =>
        createServer(
          createYoga({
            schema: whole.schema,
            context: ({ request }) => whole.createContext(request, { role }),
            logging: false,
          }),
        );
      const query = "{ catalogHealth { distinctPhotos } }";
      const code = (answer: GraphqlAnswer) => answer.errors?.[0]?.extensions.code;
      await onLoopback(yoga(), async (address) => {
        assert.equal(code(await ask(`${address}/graphql`, query)), "UNAUTHENTICATED");
        assert.equal(code(await ask(`${address}/graphql`, query, asAdmin)), undefined);
      });
      await onLoopback(yoga("storefront"), async (address) => {
        assert.equal(code(await ask(`${address}/graphql`, query, asAdmin)), "FORBIDDEN");
      });
      await onLoopback(yoga("admin"), async (address) => {
        assert.equal(code(await ask(`${address}/graphql`, query)), undefined);
      });
      const events = await subscribe({
        schema: whole.schema,
        document: parse("subscription { embeddingProgress { embeddedPhotos remainingPhotos } }"),
        contextValue: await whole.createContext({ headers: asAdmin }),
      });
      assert.ok(Symbol.asyncIterator in events);
      const { data } = (await events.next()).value as { data: { embeddingProgress: object } };
      assert.deepEqual({ ...data.embeddingProgress }, { embeddedPhotos: 24, remainingPhotos: 0 });
      await events.return(undefined);
    } finally {
      await whole.close();
    }
  });

  it("tells the host's log what went wrong, and the caller only that it did", async () => {
    const failing = await open({ fields: ["products"] });
    const yoga = createYoga({
      schema: failing.schema,
      context: async ({ request }) => {
        const { lookalike: own } = await failing.createContext(request);
        own.loaders.imagesOfProduct.load = () => Promise.reject(new Error("a secret of the database"));
        return { lookalike: own };
      },
      maskedErrors: false,
      logging: false,
    });
    noted.length = 0;
    await onLoopback(createServer(yoga), async (address) => {
      const answer = await ask(`${address}/graphql`, "{ products(first: 1) { nodes { images { id } } } }", {
        "x-request-id": "of-the-host",
      });
      const [error] = answer.errors!;
      assert.equal(error!.extensions.code, "INTERNAL_ERROR");
      assert.equal(error!.extensions.requestId, "of-the-host");
      assert.ok(!JSON.stringify(answer).includes("secret"));
    });
    const line = noted.find(({ level }) => level === "error");
    assert.equal(line?.fields.requestId, "of-the-host");
    assert.match(JSON.stringify(line), /a secret of the database/);
  });

  it("works beside another one, leaves the process's signals alone, and says what is missing", async () => {
    const events = ["SIGTERM", "SIGINT", "exit", "uncaughtException", "unhandledRejection", "beforeExit"] as const;
    const counts = () => events.map((event) => process.listenerCount(event));
    const earlier = counts();
    const other = await open({ typePrefix: "Second" });
    assert.deepEqual(counts(), earlier);
    await onLoopback(
      createServer((request, response) => void other.handler(request, response)),
      async (address) => assertSimilar(await ask(`${address}/graphql`, SIMILAR)),
    );
    await other.close();
    await other.close();
    assert.deepEqual(counts(), earlier);
    const yoga = createYoga({ schema: plugin.schema, maskedErrors: false, logging: false });
    await onLoopback(createServer(yoga), async (address) => {
      const answer = await ask(`${address}/graphql`, SIMILAR);
      assert.match(answer.errors![0]!.message, /createContext\(request\)/);
    });
    await assert.rejects(open({ fields: ["similarThings"] }), /similarThings/);
    await assert.rejects(open({ typePrefix: "1" }), /typePrefix/);
    await assert.rejects(open({ port: -1 }), /port/);
  });

  it("starts workers whose lines come to the host's log", async () => {
    for (const inProcess of [false, true]) {
      noted.length = 0;
      const worker = await plugin.startWorker({ inProcess });
      await worker.stop();
      assert.equal(
        noted.some(({ message, fields }) => message === "taking jobs" && fields.process === "worker"),
        !inProcess,
      );
    }
  });
});

describe("a library without a database", () => {
  it("closes what it opened when the rest does not open", async () => {
    await assert.rejects(lookalike({ databaseUrl: "postgres://127.0.0.1:1/none", logger: false }), {
      code: "DATABASE_UNREACHABLE",
    });
  });
});

function noteIn(noted: Noted[]): NonNullable<Exclude<LookalikeOptions["logger"], false>> {
  const note = (level: string) => (fields: object, message: string) => {
    noted.push({ level, message, fields: fields as Record<string, unknown> });
  };
  return { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
}

async function onLoopback(server: Server, work: (address: string) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function ask<Data = Record<string, unknown>>(
  url: string,
  query: string,
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer<Data>> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(30_000),
  });
  return { ...((await response.json()) as Omit<GraphqlAnswer<Data>, "status">), status: response.status };
}
