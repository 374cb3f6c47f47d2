import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { ADMIN_TOKEN, asAdmin, openShop, type TestShop } from "../support/shop.js";

interface Refusal {
  readonly errors: { message: string; extensions: { code: string } }[];
}

describe("what the server refuses", () => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop("embedded", { fetchMaxBytes: 100_000, subgraph: true });
  });
  after(() => shop.close());

  const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${shop.address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });

  const deep = (levels: number): string => `${"similarItems { nodes { ".repeat(levels)}id${" } }".repeat(levels)}`;
  const aliases = Array.from({ length: 30 }, (_, n) => `a${n}: product(id: "prod_${n}") { id }`).join(" ");
  const fragments = Array.from(
    { length: 30 },
    (_, n) => `fragment F${n} on Product { ...F${n + 1} ...F${n + 1} }`,
  ).join(" ");

  /** Request → expected code. None may be a 5xx, none may take the process down. */
  const cases: readonly [name: string, query: string, variables: Record<string, unknown>, code: RegExp][] = [
    ["a query that is too deep", `{ products { nodes { ${deep(12)} } } }`, {}, /GRAPHQL_VALIDATION_FAILED/],
    ["too many aliases", `{ ${aliases} }`, {}, /GRAPHQL_VALIDATION_FAILED/],
    ["too many tokens", `{ ${"product(id: 1) { id } ".repeat(1_000)} }`, {}, /GRAPHQL_PARSE_FAILED/],
    [
      "too many items at once",
      "{ products(first: 100) { nodes { similarItems(first: 100) { nodes { id title } } } } }",
      {},
      /QUERY_TOO_COMPLEX/,
    ],
    [
      "too many things named in a list",
      `query ($ids: [ID!]!) { compareModels(a: 1, b: 2, productIds: $ids) { product { similarItems(first: 50) { nodes { id title url } } } } }`,
      { ids: Array.from({ length: 50 }, (_, n) => `prod_${n}`) },
      /QUERY_TOO_COMPLEX/,
    ],
    [
      "too many items at once, in a variable",
      "query ($n: Int!) { products(first: $n) { nodes { similarItems(first: $n) { nodes { id title } } } } }",
      { n: 100 },
      /QUERY_TOO_COMPLEX/,
    ],
    [
      "fragments that double thirty times",
      `{ product(id: 1) { ...F0 } } ${fragments} fragment F30 on Product { id }`,
      {},
      /./,
    ],
    [
      "a fragment that contains itself",
      "{ product(id: 1) { ...A } } fragment A on Product { ...A }",
      {},
      /GRAPHQL_VALIDATION_FAILED/,
    ],
    ["first of 0", "{ products(first: 0) { nodes { id } } }", {}, /BAD_USER_INPUT/],
    ["first of −1", "{ similarItems(productId: 1, first: -1) { status } }", {}, /BAD_USER_INPUT/],
    ["first of 101", "{ similarItems(productId: 1, first: 101) { status } }", {}, /BAD_USER_INPUT/],
    ["first of null", "query ($n: Int) { products(first: $n) { nodes { id } } }", { n: null }, /BAD_USER_INPUT/],
    ["first of text", "query ($n: Int!) { products(first: $n) { nodes { id } } }", { n: "many" }, /BAD_USER_INPUT/],
    [
      "an id with NUL, in a variable",
      "query ($id: ID!) { product(id: $id) { id } }",
      { id: "a\u0000b" },
      /BAD_USER_INPUT/,
    ],
    ["an id with NUL, in the query", '{ product(id: "a\\u0000b") { id } }', {}, /BAD_USER_INPUT/],
    ["half of a surrogate pair", "query ($id: ID!) { product(id: $id) { id } }", { id: "a\ud800" }, /BAD_USER_INPUT/],
    ["an empty id", '{ similarItems(productId: "") { status } }', {}, /BAD_USER_INPUT/],
    [
      "an endless id",
      "query ($id: ID!) { similarItems(productId: $id) { status } }",
      { id: "9".repeat(5_000) },
      /BAD_USER_INPUT/,
    ],
    [
      "an id beyond bigint",
      '{ similarItems(productId: "prod_99999999999999999999") { status } }',
      {},
      /PRODUCT_NOT_FOUND/,
    ],
    [
      "an id that nobody has",
      '{ similarItems(productId: "prod_9223372036854775807") { status } }',
      {},
      /PRODUCT_NOT_FOUND/,
    ],
    ["a cursor that is none", '{ products(after: "💥") { nodes { id } } }', {}, /BAD_USER_INPUT/],
    [
      "a cursor of another list",
      '{ similarItems(productId: "prod_1", after: "cHJvZHVjdDox") { status } }',
      {},
      /BAD_USER_INPUT/,
    ],
    [
      "a price that is no number",
      '{ similarItems(productId: 1, filter: { price: { max: "cheap" } }) { status } }',
      {},
      /GRAPHQL_VALIDATION_FAILED/,
    ],
    [
      "a currency that is none",
      '{ similarItems(productId: 1, filter: { price: { max: 1, currency: "ZZZ" } }) { status } }',
      {},
      /BAD_USER_INPUT/,
    ],
    ["a score beyond 1", "{ similarItems(productId: 1, options: { minScore: 2 }) { status } }", {}, /BAD_USER_INPUT/],
    [
      "a model for a shopper",
      "{ similarItems(productId: 1, options: { modelId: 1 }) { status } }",
      {},
      /UNAUTHENTICATED/,
    ],
    ["a field that is not there", "{ produkt(id: 1) { id } }", {}, /GRAPHQL_VALIDATION_FAILED/],
    ["an admin field", "{ catalogHealth { products } }", {}, /UNAUTHENTICATED/],
    ["an admin mutation", "mutation { refreshEmbeddings { photosToEmbed } }", {}, /UNAUTHENTICATED/],
    ["a subscription over plain HTTP", "subscription { nothing }", {}, /GRAPHQL_VALIDATION_FAILED|BAD_REQUEST/],
    ["no query", "", {}, /./],
  ];
  for (const [name, query, variables, code] of cases) {
    it(`refuses ${name}`, async () => {
      const response = await post(JSON.stringify({ query, variables }));
      assert.ok(response.status < 500, `status ${response.status}`);
      const { errors } = (await response.json()) as Refusal;
      assert.match(errors[0]!.extensions.code, code);
      assert.notEqual(errors[0]!.extensions.code, "INTERNAL_ERROR");
      assert.doesNotMatch(JSON.stringify(errors), /Did you mean|node_modules|stacktrace/);
    });
  }

  it("does not repeat what was sent", async () => {
    const secret = "s3cr3t-of-somebody";
    const requests: [string, Record<string, unknown>][] = [
      [
        "query ($image: ImageInput!) { similarItemsByImage(image: $image) { status } }",
        { image: { dataUri: { [secret]: 1 } } },
      ],
      ["query ($image: ImageInput!) { similarItemsByImage(image: $image) { status } }", { image: { nope: secret } }],
      ["query ($image: ImageInput!) { similarItemsByImage(image: $image) { status } }", { image: { dataUri: secret } }],
      ["query ($n: Int!) { products(first: $n) { nodes { id } } }", { n: secret }],
      [`{ products(first: "${secret}") { nodes { id } } }`, {}],
      ["query ($s: ProductStatus) { products(filter: { status: $s }) { nodes { id } } }", { s: secret }],
      [
        "query ($p: Decimal) { similarItems(productId: 1, filter: { price: { max: $p } }) { status } }",
        { p: `${secret}; ${secret}` },
      ],
    ];
    for (const [query, variables] of requests) {
      const response = await post(JSON.stringify({ query, variables }));
      assert.ok(response.status < 500);
      const text = await response.text();
      assert.match(text, /"errors"/);
      assert.ok(!text.includes(secret), text);
    }
  });

  it("refuses broken bodies in the shape of GraphQL errors", async () => {
    const bodies: [string | Buffer, Record<string, string>, number][] = [
      ["{", {}, 400],
      ["[]", {}, 400],
      ["null", {}, 400],
      ['"text"', {}, 400],
      ['{"query": 7}', {}, 400],
      ['[{"query":"{ __typename }"},{"query":"{ __typename }"}]', {}, 400],
      ['{"__proto__": {"a": 1}, "query": "{ __typename }"}', {}, 400],
      [Buffer.from([0xff, 0xfe, 0x00]), {}, 400],
      ["query=1", { "content-type": "application/x-www-form-urlencoded" }, 415],
      [Buffer.alloc(6 * 1024 * 1024, 0x20), {}, 413],
    ];
    for (const [body, headers, status] of bodies) {
      const response = await post(body, headers);
      assert.equal(response.status, status, String(body).slice(0, 60));
      assert.match(((await response.json()) as Refusal).errors[0]!.extensions.code, /BAD_REQUEST/);
    }
  });

  it("refuses what Apollo Server, its adapter and Node would fail over or answer without a word", async () => {
    const { hostname, port } = new URL(shop.address);
    const raw = (head: string, body = ""): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => socket.end(`${head}\r\n\r\n${body}`));
        let text = "";
        socket.on("data", (chunk) => {
          text += String(chunk);
        });
        socket.on("end", () => resolve(text));
        socket.on("error", reject);
      });
    const hash = '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":{"toString":1}}}}';
    const json = "content-type: application/json\r\nconnection: close";
    const question = '{"query":"{ __typename }"}';
    const requests: [head: string, body: string, status: number, code: string][] = [
      [`POST /graphql HTTP/1.1\r\nhost: a b\r\n${json}\r\ncontent-length: 26`, question, 400, "BAD_REQUEST"],
      [`POST /graphql HTTP/1.1\r\nhost: x\r\n${json}\r\ncontent-length: ${hash.length}`, hash, 400, "BAD_REQUEST"],
      [
        `POST /graphql HTTP/1.1\r\nhost: x\r\nexpect: more\r\n${json}\r\ncontent-length: 26`,
        question,
        417,
        "BAD_REQUEST",
      ],
      [`POST /subgraph HTTP/1.1\r\nhost: [\r\n${json}\r\ncontent-length: 26`, question, 400, "BAD_REQUEST"],
      ["GRAPHQL", "", 400, "BAD_REQUEST"],
      [`GET / HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}`, "", 431, "BAD_REQUEST"],
      [`GET /photos/${"x".repeat(300)} HTTP/1.1\r\nhost: x\r\nconnection: close`, "", 404, "NOT_FOUND"],
      ["GET /photos/%ff HTTP/1.1\r\nhost: x\r\nconnection: close", "", 404, "NOT_FOUND"],
    ];
    for (const [head, body, status, code] of requests) {
      const answer = await raw(head, body);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), head.slice(0, 80));
      const { errors } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as Refusal;
      assert.equal(errors[0]!.extensions.code, code, head.slice(0, 80));
    }
  });

  it("answers subscriptions as a stream only, and says so", async () => {
    const query = "subscription { embeddingProgress { embeddedPhotos } }";
    const plain = await shop.ask(query, {}, asAdmin);
    assert.equal(plain.status, 400);
    assert.match(plain.errors![0]!.message, /\/graphql\/stream/);
    for (const [body, accept] of [
      [{ query }, "application/json"],
      [{ query: 7 }, "text/event-stream"],
      [{ query, variables: "x" }, "text/event-stream"],
      [[], "text/event-stream"],
    ] as const) {
      const response = await fetch(`${shop.address}/graphql/stream`, {
        method: "POST",
        headers: { "content-type": "application/json", accept, ...asAdmin },
        body: JSON.stringify(body),
      });
      assert.equal(response.status, 400);
      assert.equal(((await response.json()) as Refusal).errors[0]!.extensions.code, "BAD_REQUEST");
    }
    const among = await fetch(`${shop.address}/graphql/stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream, application/json", ...asAdmin },
      body: JSON.stringify({ query }),
    });
    assert.match(among.headers.get("content-type")!, /text\/event-stream/);
    await among.body!.cancel();
  });

  it("refuses variables that are nested deeper than calls can be", async () => {
    const nested = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
    const response = await post(
      `{"query":"query ($id: ID!) { product(id: $id) { id } }","variables":{"id":${nested}}}`,
    );
    assert.equal(response.status, 400);
    const { errors } = (await response.json()) as Refusal;
    assert.equal(errors[0]?.extensions.code, "BAD_USER_INPUT");
  });

  it("refuses requests that a foreign web page could make a browser send", async () => {
    const simple = await post('{"query":"{ __typename }"}', { "content-type": "text/plain" });
    assert.ok([400, 415].includes(simple.status));
    const get = await fetch(`${shop.address}/graphql?query={__typename}`);
    assert.equal(get.status, 400);
  });

  it("takes persisted queries by GET", async () => {
    const query = "{ products(first: 1) { totalCount } }";
    const sha256Hash = createHash("sha256").update(query).digest("hex");
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash } });
    const ask = (parameters: Record<string, string>): Promise<Response> =>
      fetch(`${shop.address}/graphql?${new URLSearchParams({ extensions, ...parameters })}`, {
        headers: { "apollo-require-preflight": "1" },
      });
    const unknown = (await (await ask({})).json()) as Refusal;
    assert.equal(unknown.errors[0]!.extensions.code, "PERSISTED_QUERY_NOT_FOUND");
    assert.equal((await ask({ query })).status, 200);
    assert.deepEqual(await (await ask({})).json(), { data: { products: { totalCount: 0 } } });
  });

  it("hides faults of its own, names the request, and goes on", async () => {
    const { products } = shop.core;
    const count = products.count;
    products.count = () => Promise.reject(new Error("relation secret_table does not exist"));
    try {
      const answer = await shop.ask("{ products { totalCount } }");
      assert.equal(answer.errors![0]!.extensions.code, "INTERNAL_ERROR");
      assert.match(String(answer.errors![0]!.extensions.requestId), /^[0-9a-f-]{36}$/);
      assert.doesNotMatch(JSON.stringify(answer), /secret_table|\.js/);
    } finally {
      products.count = count;
    }
    assert.equal((await shop.ask("{ products { totalCount } }")).errors, undefined);
  });

  it("knows administrators by their token only", async () => {
    const query = "{ catalogHealth { products } }";
    assert.deepEqual((await shop.ask(query, {}, asAdmin)).data, { catalogHealth: { products: 0 } });
    for (const authorization of [
      "Bearer wrong",
      "Bearer",
      `Basic ${ADMIN_TOKEN}`,
      `Bearer ${ADMIN_TOKEN}x`,
      ADMIN_TOKEN,
    ]) {
      const answer = await shop.ask("{ __typename }", {}, { authorization });
      assert.equal(answer.status, 401);
      assert.equal(answer.errors![0]!.extensions.code, "UNAUTHENTICATED");
    }
  });

  it("says that it lives and that it is ready", async () => {
    assert.deepEqual(await (await fetch(`${shop.address}/healthz`)).json(), { status: "ok" });
    const ready = await fetch(`${shop.address}/readyz`);
    assert.equal(ready.status, 200);
    assert.deepEqual(await ready.json(), { status: "ready", parts: { database: "ok", migrations: "ok", queue: "ok" } });
    const nothing = await fetch(`${shop.address}/photos/img_1`);
    assert.equal(nothing.status, 404);
    assert.equal(nothing.headers.get("x-content-type-options"), "nosniff");
  });

  it("serves the explorer without naming any other host", async () => {
    const page = await fetch(`${shop.address}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy")!, /default-src 'none'.*script-src 'self'/);
    const html = await page.text();
    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
    assert.ok(assets.length >= 6);
    for (const address of assets.filter((asset) => !asset.startsWith("data:"))) {
      assert.match(address, /^\/explorer\//);
      const asset = await fetch(`${shop.address}${address}`);
      assert.equal(asset.status, 200);
      assert.match(asset.headers.get("content-type")!, /javascript|css/);
    }
    assert.match(await (await fetch(`${shop.address}/explorer/page.js`)).text(), /similarItems/);
  });
});

describe("a server with a storefront key, without an explorer", () => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop("embedded", {
      storefrontKey: "key-of-the-shop",
      explorer: false,
      corsOrigins: ["https://shop.example"],
    });
  });
  after(() => shop.close());

  it("asks shoppers for the key, and administrators for no more than their token", async () => {
    const query = "{ products { totalCount } }";
    const withKey = { "x-storefront-key": "key-of-the-shop" };
    assert.equal((await shop.ask(query)).status, 401);
    assert.equal((await shop.ask(query, {}, { "x-storefront-key": "guess" })).status, 401);
    assert.deepEqual((await shop.ask(query, {}, withKey)).data, { products: { totalCount: 0 } });
    assert.deepEqual((await shop.ask(query, {}, asAdmin)).data, { products: { totalCount: 0 } });
    const admin = await shop.ask("{ catalogHealth { products } }", {}, withKey);
    assert.equal(admin.errors![0]!.extensions.code, "FORBIDDEN");
  });

  it("has neither explorer nor introspection", async () => {
    assert.equal((await fetch(`${shop.address}/explorer`)).status, 404);
    const answer = await shop.ask("{ __schema { types { name } } }", {}, asAdmin);
    assert.ok(answer.errors!.length > 0);
  });

  it("lets the configured web page ask, and no other", async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${shop.address}/graphql`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
    const ours = await preflight("https://shop.example");
    assert.equal(ours.headers.get("access-control-allow-origin"), "https://shop.example");
    assert.equal((await preflight("https://evil.example")).headers.get("access-control-allow-origin"), null);
  });
});
