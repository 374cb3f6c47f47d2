import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isRunning, lookalike, type Served, serve } from "../support/command-line.js";
import { describeOnBothDatabases, openTestDatabase, type TestDatabase } from "../support/database.js";
import { type DrawnFeed, drawFeed } from "../support/drawn-feed.js";
import { type FeedServer, serveFolder } from "../support/feed-server.js";
import { ADMIN_TOKEN, asAdmin, askGraphql } from "../support/shop.js";

interface Health {
  products: number;
  embeddedProducts: number;
  photosReady: number;
  distinctPhotos: number;
  embeddedPhotos: number;
  jobs: { name: string; waiting: number; active: number; retrying: number; failed: number }[];
}

const HEALTH = `{ catalogHealth { products embeddedProducts photosReady distinctPhotos embeddedPhotos
  jobs { name waiting active retrying failed } } }`;

describeOnBothDatabases("an import that is killed again and again", (_, kind) => {
  let folder: string;
  let feed: DrawnFeed;
  let feedServer: FeedServer;
  let test: TestDatabase;
  let settings: Record<string, string>;
  let served: Served;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-feed-"));
    feed = await drawFeed(folder, 5);
    feedServer = await serveFolder(folder, 100);
    test = await openTestDatabase(kind);
    // Embedded: the processes under test host the folder themselves.
    if (kind === "embedded") await test.database.close();
    const { data, databaseUrl } = test.config;
    settings = {
      LOOKALIKE_DATA: data,
      LOOKALIKE_ADMIN_TOKEN: ADMIN_TOKEN,
      LOOKALIKE_FETCH_ALLOW_PRIVATE: "true",
      LOOKALIKE_FETCH_PER_HOST: "2",
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    };
    served = await serve(settings);
  });
  after(async () => {
    await served?.kill("both").catch(() => {});
    await feedServer.close();
    await test.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const health = async (): Promise<Health> => {
    const answer = await askGraphql<{ catalogHealth: Health }>(served.address, HEALTH, {}, asAdmin);
    assert.equal(answer.errors, undefined);
    return answer.data!.catalogHealth;
  };
  const until = async (what: string, reached: (health: Health) => boolean): Promise<Health> => {
    const deadline = Date.now() + 120_000;
    for (;;) {
      const now = await health();
      if (reached(now)) return now;
      if (Date.now() > deadline) throw new Error(`not reached: ${what}: ${JSON.stringify(now)}`);
      await delay(100);
    }
  };

  it("finishes by itself, with nothing double and nothing lost", async () => {
    const started = await askGraphql<{ importCatalog: { importRun: { id: string }; userErrors: unknown[] } }>(
      served.address,
      'mutation ($url: String!) { importCatalog(input: { url: $url, source: "shop" }) { importRun { id } userErrors { message } } }',
      { url: `${feedServer.address}/feed.csv` },
      asAdmin,
    );
    assert.deepEqual(started.data?.importCatalog.userErrors, []);
    const runId = started.data!.importCatalog.importRun.id;

    await until("first photos", ({ embeddedPhotos }) => embeddedPhotos >= 5);
    const firstWorker = served.workerPid()!;
    await served.kill("worker");
    // The answers go on while the worker is replaced, and the new one goes on with the work.
    await until("photos by the second worker", ({ embeddedPhotos }) => embeddedPhotos >= 25);
    assert.notEqual(served.workerPid(), firstWorker);

    const orphan = served.workerPid()!;
    await served.kill("api");
    for (let waited = 0; isRunning(orphan) && waited < 20_000; waited += 100) await delay(100);
    assert.equal(isRunning(orphan), false, "the worker ends when its API is gone");
    served = await serve(settings);
    await until("photos after the restart", ({ embeddedPhotos }) => embeddedPhotos >= 45);

    await served.kill("both");
    served = await serve(settings);
    const total = feed.products;
    const end = await until("the end", ({ jobs }) =>
      jobs.every(({ waiting, active, retrying }) => waiting + active + retrying === 0),
    );
    assert.deepEqual(
      { ...end, jobs: undefined },
      {
        products: total,
        embeddedProducts: total,
        photosReady: total,
        distinctPhotos: total,
        embeddedPhotos: total,
        jobs: undefined,
      },
    );
    assert.ok(end.jobs.every(({ failed }) => failed === 0));
    const run = await askGraphql(
      served.address,
      "query ($id: ID!) { importRun(id: $id) { state rows created updated unchanged failed failure } }",
      { id: runId },
      asAdmin,
    );
    assert.deepEqual(run.data, {
      importRun: {
        state: "SUCCEEDED",
        rows: total,
        created: total,
        updated: 0,
        unchanged: 0,
        failed: 0,
        failure: null,
      },
    });
    // A photo is fetched again only when a kill fell between its fetch and its commit: those under way at each of three kills.
    assert.ok(feedServer.photoRequests() <= total + 3 * 16, `${feedServer.photoRequests()} requests`);
  });

  it("lets commands use the running server's database, and no second server", async () => {
    const similar = await lookalike(["similar", "mugs-red", "--first", "3", "--json"], settings);
    assert.equal(similar.code, 0, similar.stderr);
    assert.equal((JSON.parse(similar.stdout) as { items: unknown[] }).items.length, 3);
    if (kind === "postgres") return;
    const second = await lookalike(["serve", "--port", "0"], settings);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`held by process ${served.pid}\\b`));
  });

  it("ends in good order on SIGTERM, its worker too", async () => {
    const worker = served.workerPid()!;
    assert.equal(await served.stop(), 0);
    assert.equal(isRunning(worker), false);
  });
});
