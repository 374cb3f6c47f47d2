import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { PassThrough } from "node:stream";
import { after, before, describe, it } from "node:test";
import type { FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import { composeServer } from "../../src/compose-server.js";
import type { Config } from "../../src/config.js";
import { createLogger } from "../../src/logger.js";
import { buildServer, type ServerParts } from "../../src/server/build-server.js";
import { createShopGauges } from "../../src/server/operate/shop-gauges.js";
import { describeOnBothDatabases } from "../support/database.js";
import { asAdmin, askGraphql, fillShop, openShop, type TestShop } from "../support/shop.js";

const METRICS_TOKEN = "token-that-reads-figures";

/** The value of one line of the Prometheus text format; undefined without it. */
function figureOf(text: string, line: string): number | undefined {
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}

describeOnBothDatabases("the figures of a server", (_, kind) => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop(kind);
    await fillShop(shop);
  });
  after(() => shop.close());

  const read = async (): Promise<string> => {
    const response = await fetch(`${shop.address}/metrics`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    assert.equal(response.headers.get("cache-control"), "no-store");
    return response.text();
  };

  it("count requests, operations and statements", async () => {
    await shop.ask("query Named { products { totalCount } }");
    await shop.ask("query Named { products { totalCount } }");
    await shop.ask("{ products { totalCount } }");
    await shop.ask("query Wrong { nothing }");
    await shop.ask("query Refused { catalogHealth { products } }");
    await fetch(`${shop.address}/nothing/here?secret=1`);
    const text = await read();
    const operations = "lookalike_graphql_operation_duration_seconds_count";
    assert.equal(figureOf(text, `${operations}{operation="Named",outcome="ok"}`), 2);
    assert.equal(figureOf(text, `${operations}{operation="anonymous",outcome="ok"}`), 1);
    assert.equal(figureOf(text, `${operations}{operation="invalid",outcome="error"}`), 1);
    assert.equal(figureOf(text, `${operations}{operation="Refused",outcome="error"}`), 1);
    assert.equal(figureOf(text, 'lookalike_graphql_errors_total{code="UNAUTHENTICATED"}'), 1);
    const requests = "lookalike_http_request_duration_seconds_count";
    assert.equal(figureOf(text, `${requests}{route="/graphql",method="POST",status="200"}`), 4);
    assert.equal(figureOf(text, `${requests}{route="/graphql",method="POST",status="400"}`), 1);
    assert.equal(figureOf(text, `${requests}{route="none",method="GET",status="404"}`), 1);
    assert.doesNotMatch(text, /secret|nothing\/here|operation="Wrong"/);
    assert.ok(figureOf(text, 'lookalike_sql_statement_duration_seconds_count{kind="select",outcome="ok"}')! > 0);
    assert.ok(figureOf(text, "nodejs_eventloop_lag_seconds") !== undefined);
    assert.ok(figureOf(text, "process_resident_memory_bytes")! > 0);
  });

  it("tell of statements that failed, whoever sent them", async () => {
    await assert.rejects(shop.core.database.query("SELECT 1 / 0"));
    await assert.rejects(shop.core.database.prisma.$queryRawUnsafe("SELECT 1 / 0"));
    await assert.rejects(shop.core.database.transaction((sql) => sql.query("SELECT 1 / $1::int", [0])));
    const text = await read();
    const statements = "lookalike_sql_statement_duration_seconds_count";
    assert.equal(figureOf(text, `${statements}{kind="select",outcome="error"}`), 3);
    assert.ok(figureOf(text, `${statements}{kind="rollback",outcome="ok"}`)! >= 1);
  });

  it("tell of the model, jobs, photos, connections and the cache", async () => {
    const { data } = await shop.ask<{ products: { edges: { node: { id: string } }[] } }>(
      "{ products(first: 1) { edges { node { id } } } }",
    );
    const similar = "query ($id: ID!) { similarItems(productId: $id) { status } }";
    const { id } = data!.products.edges[0]!.node;
    for (let times = 0; times < 3; times += 1) assert.equal((await shop.ask(similar, { id })).errors, undefined);
    const text = await read();
    const model = await shop.core.models.active();
    assert.equal(figureOf(text, `lookalike_active_model{id="${model.id}",name="${model.name}"}`), 1);
    assert.equal(figureOf(text, 'lookalike_jobs{queue="embed-photo",state="waiting"}'), 0);
    assert.equal(figureOf(text, 'lookalike_oldest_job_seconds{queue="fetch-photo"}'), 0);
    const { done, total } = await shop.core.vectors.countPhotos(shop.core.database, model.id);
    assert.ok(done > 0);
    assert.equal(done, total);
    assert.equal(figureOf(text, 'lookalike_photos{state="embedded"}'), done);
    assert.equal(figureOf(text, 'lookalike_photos{state="waiting"}'), 0);
    assert.equal(figureOf(text, "lookalike_embedding_lag_seconds"), 0);
    assert.equal(figureOf(text, 'lookalike_cache_questions_total{result="hits"}'), 2);
    assert.equal(figureOf(text, 'lookalike_cache_questions_total{result="misses"}'), 1);
    for (const part of ["jobs", "model", "photos"]) {
      assert.equal(figureOf(text, `lookalike_figures_failing{part="${part}"}`), 0);
    }
    const busy = figureOf(text, 'lookalike_database_connections{state="busy"}')!;
    const idle = figureOf(text, 'lookalike_database_connections{state="idle"}')!;
    assert.ok(busy + idle >= 1 && busy + idle <= 10);
    assert.equal(figureOf(text, "lookalike_database_waiting"), 0);
    assert.equal(figureOf(text, `lookalike_index_recall_at_20{model="${model.id}"}`), undefined);
  });

  it("keep the names of operations to a hundred", async () => {
    for (let number = 0; number < 120; number += 1) {
      await shop.ask(`query Flood${number} { __typename }`);
    }
    const names = new Set([...(await read()).matchAll(/_count\{operation="(\w+)"/g)].map(([, name]) => name));
    assert.ok(names.size <= 101 && names.has("other"), `${names.size} names`);
  });

  it("tell how long the oldest photo has waited for its vector", async () => {
    const other = await startServer(shop);
    await shop.core.database.query("UPDATE image_blob SET created_at = now() - interval '1 hour'");
    const model = await shop.core.models.active();
    const [gone] = await shop.core.database.query<{ blob_id: bigint }>(
      `DELETE FROM vectors.photo_vector WHERE model_id = $1 AND blob_id =
         (SELECT min(blob_id) FROM vectors.photo_vector WHERE model_id = $1) RETURNING blob_id`,
      [model.id],
    );
    assert.ok(gone);
    const late = await (await fetch(`${other.address}/metrics`)).text();
    assert.equal(figureOf(late, 'lookalike_photos{state="waiting"}'), 1);
    const lag = figureOf(late, "lookalike_embedding_lag_seconds")!;
    assert.ok(lag >= 3600 && lag < 4200, `${lag} s`);
    await other.close();
  });

  it("say what cannot be read, and forget what it was", async () => {
    let works = true;
    const counts: TestShop["core"]["queue"]["counts"] = async () => {
      if (!works) throw new Error("the queue is gone");
      return shop.core.queue.counts();
    };
    const registry = new Registry();
    const gauges = createShopGauges(registry, { ...shop.core, queue: { counts } }, 0);
    const look = async (): Promise<[failing: number | undefined, waiting: number | undefined]> => {
      await gauges.read();
      const text = await registry.metrics();
      const { id, name } = await shop.core.models.active();
      assert.equal(figureOf(text, `lookalike_active_model{id="${id}",name="${name}"}`), 1, "the others are there");
      return [
        figureOf(text, 'lookalike_figures_failing{part="jobs"}'),
        figureOf(text, 'lookalike_jobs{queue="embed-photo",state="waiting"}'),
      ];
    };
    assert.deepEqual(await look(), [0, 0]);
    works = false;
    assert.deepEqual(await look(), [1, undefined]);
    works = true;
    assert.deepEqual(await look(), [0, 0]);
  });
});

interface Started {
  readonly address: string;
  readonly server: FastifyInstance;
  close(): Promise<void>;
}

async function startServer(
  shop: TestShop,
  changes: Partial<TestShop["core"]> = {},
  partsChanges: Partial<ServerParts> = {},
  host = "127.0.0.1",
): Promise<Started> {
  const parts = composeServer({ ...shop.core, ...changes });
  const server = await buildServer({ ...parts, ...partsChanges });
  const address = await server.listen({ host, port: 0 });
  return {
    address,
    server,
    async close() {
      await server.close();
      await parts.close();
    },
  };
}

describe("who may read the figures", () => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop("embedded");
  });
  after(() => shop.close());

  const withSettings = (settings: Partial<Config>, host?: string): Promise<Started> =>
    startServer(shop, { config: { ...shop.core.config, ...settings } }, {}, host);
  const status = async (address: string, headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(`${address}/metrics`, { headers })).status;

  it("lets this machine in while there is no token, and nobody who came through a proxy", async () => {
    assert.equal(await status(shop.address), 200);
    assert.equal(await status(shop.address, asAdmin), 200);
    assert.equal(await status(shop.address, { authorization: "Bearer wrong" }), 401);
    for (const name of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
      assert.equal(await status(shop.address, { [name]: "127.0.0.1" }), 401, name);
    }
  });

  it("asks for the token, once there is one", async () => {
    const guarded = await withSettings({ metricsToken: METRICS_TOKEN, storefrontKeys: { web: "key-of-the-web" } });
    assert.equal(await status(guarded.address), 401);
    assert.equal(await status(guarded.address, { "x-storefront-key": "key-of-the-web" }), 401);
    assert.equal(await status(guarded.address, { authorization: `Bearer ${METRICS_TOKEN}` }), 200);
    assert.equal(await status(guarded.address, asAdmin), 200);
    const graphql = await askGraphql(
      guarded.address,
      "{ __typename }",
      {},
      { authorization: `Bearer ${METRICS_TOKEN}` },
    );
    assert.equal(graphql.status, 401, "it opens nothing else");
    await guarded.close();
  });

  it("asks other machines for a token", async (context) => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === "IPv4" && !each.internal)?.address;
    if (outside === undefined) return context.skip("this machine has no address but its own");
    const open = await withSettings({}, "0.0.0.0");
    const address = `http://${outside}:${new URL(open.address).port}`;
    assert.equal(await status(address), 401);
    assert.equal(await status(address, asAdmin), 200);
    await open.close();
  });

  it("is not there when it is off", async () => {
    const off = await withSettings({ metrics: false });
    assert.equal(await status(off.address, asAdmin), 404);
    await off.close();
  });
});

describe("the log of requests", () => {
  let shop: TestShop;
  let started: Started;
  let lines: Record<string, unknown>[];
  before(async () => {
    shop = await openShop("embedded");
    const output = new PassThrough();
    lines = [];
    output.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split("\n").filter(Boolean)) lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    started = await startServer(shop, {}, { logger: createLogger("debug", output) });
  });
  after(async () => {
    await started.close();
    await shop.close();
  });

  /** The line of a request, which may be written a little after its answer. */
  async function lineOf(requestId: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = lines.filter((line) => line.requestId === requestId && line.msg === "request");
      assert.ok(found.length <= 1);
      if (found[0]) return found[0];
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("has one line each, with the operation and without what was asked", async () => {
    const response = await fetch(`${started.address}/graphql?from=secret-address`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-request-id": "shop-7_a", ...asAdmin },
      body: JSON.stringify({
        query: "query Look($id: ID!) { product(id: $id) { title } catalogHealth { products } }",
        variables: { id: "prod_secretvariable" },
      }),
    });
    assert.equal(response.headers.get("x-request-id"), "shop-7_a");
    const line = await lineOf("shop-7_a");
    assert.equal(line.level, 30);
    const { method, route, status, operation, ms } = line;
    assert.deepEqual(
      { method, route, status, operation },
      {
        ...{ method: "POST", route: "/graphql", status: response.status, operation: "Look" },
      },
    );
    assert.equal(typeof ms, "number");
    assert.doesNotMatch(JSON.stringify(lines), /secret|catalogHealth|test-token/);
  });

  it("names the codes of errors, and gives ids of its own for those that are odd", async () => {
    for (const odd of ["a b", "x".repeat(101), '"}', "a,b"]) {
      const response = await fetch(`${started.address}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-request-id": odd },
        body: JSON.stringify({ query: "{ catalogHealth { products } }" }),
      });
      const given = response.headers.get("x-request-id")!;
      assert.match(given, /^[0-9a-f-]{36}$/);
      assert.deepEqual((await lineOf(given)).errorCodes, ["UNAUTHENTICATED"]);
    }
  });

  it("logs probes at a lower level, and addresses that are not there", async () => {
    const probe = await fetch(`${started.address}/healthz`);
    assert.equal((await lineOf(probe.headers.get("x-request-id")!)).level, 20);
    const nothing = await fetch(`${started.address}/nothing`);
    const { route, status, level } = await lineOf(nothing.headers.get("x-request-id")!);
    assert.deepEqual({ route, status, level }, { route: "none", status: 404, level: 30 });
  });

  it("has a line for a client that went before its answer", async () => {
    let reached = (): void => {};
    const asked = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let text = "";
    const output = new PassThrough();
    output.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    const slow = await startServer(
      shop,
      {},
      {
        logger: createLogger("debug", output),
        readiness: {
          async part() {
            reached();
            await held;
          },
        },
      },
    );
    const leaving = new AbortController();
    const request = fetch(`${slow.address}/readyz`, { signal: leaving.signal, headers: { "x-request-id": "gone" } });
    await asked;
    leaving.abort();
    await assert.rejects(request);
    while (!text.includes('"gone"')) await new Promise((resolve) => setImmediate(resolve));
    assert.match(text, /"requestId":"gone".*"status":499/);
    release();
    await slow.close();
  });
});
