import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { type Core, composeCore, composeWorker } from "../../src/compose.js";
import { composeServer } from "../../src/compose-server.js";
import { type Config, loadConfig } from "../../src/config.js";
import { buildServer } from "../../src/server/build-server.js";
import { type DatabaseKind, openTestDatabase, testLogger } from "./database.js";
import { drawFeed } from "./drawn-feed.js";

export const ADMIN_TOKEN = "test-token-of-administrators";

export interface GraphqlAnswer<Data = Record<string, unknown>> {
  readonly status: number;
  readonly data?: Data | null;
  readonly errors?: { message: string; path?: unknown; extensions: { code: string; [key: string]: unknown } }[];
}

export interface TestShop {
  readonly core: Core;
  readonly server: FastifyInstance;
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  /** Asks over real HTTP. */
  ask<Data = Record<string, unknown>>(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<GraphqlAnswer<Data>>;
  close(): Promise<void>;
}

export const asAdmin = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** A running server on any port, over a database of its own; its catalog is empty until `fillShop`. */
export async function openShop(kind: DatabaseKind, settings: Partial<Config> = {}): Promise<TestShop> {
  const test = await openTestDatabase(kind);
  const config = loadConfig({}, { ...test.config, adminToken: ADMIN_TOKEN, ...settings }, tmpdir());
  const core = await composeCore(config, testLogger, "client");
  await core.ensureBaseModel();
  const parts = composeServer(core);
  const server = await buildServer(parts);
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  return {
    core,
    server,
    address,
    ask: (query, variables, headers) => askGraphql(address, query, variables, headers),
    async close() {
      await server.close();
      await parts.close();
      await core.close();
      await test.drop();
    },
  };
}

export async function askGraphql<Data>(
  address: string,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer<Data>> {
  const response = await fetch(`${address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { ...((await response.json()) as Omit<GraphqlAnswer<Data>, "status">), status: response.status };
}

/** Imports the drawn feed and embeds it with a real worker, which is gone again when this returns. */
export async function fillShop({ core }: TestShop): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "lookalike-feed-"));
  try {
    const feed = await drawFeed(folder);
    await core.catalogImport.run({ source: "drawn", location: feed.file });
    const worker = await composeWorker(core.config, testLogger);
    await untilIdle(core);
    await worker.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until no job waits or runs. */
export async function untilIdle({ queue }: Pick<Core, "queue">): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const counts = Object.values(await queue.counts());
    if (counts.every(({ waiting, active, retrying }) => waiting + active + retrying === 0)) return;
    if (Date.now() > deadline) throw new Error(`Jobs are left: ${JSON.stringify(counts)}`);
    await delay(100);
  }
}
