import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createStartImport } from "../../src/catalog/import/start-import.js";
import { BadUserInput } from "../../src/errors.js";
import { recordJobs } from "../support/catalog-fixture.js";
import { importJob } from "../support/catalog-import-worker.js";
import { describeOnBothDatabases, type TestDatabase } from "../support/database.js";

const signal = new AbortController().signal;

describeOnBothDatabases("import-catalog job", (open) => {
  let test: TestDatabase;
  let job: ReturnType<typeof importJob>;
  let server: Server;
  let address: string;
  const feeds = new Map<string, (response: ServerResponse) => void>();

  before(async () => {
    test = await open();
    job = importJob(test.database);
    server = createServer((request, response) => {
      const feed = feeds.get(request.url ?? "");
      if (feed) feed(response);
      else response.writeHead(404).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    await job.close();
    server.closeAllConnections();
    server.close();
    await test.drop();
  });

  const start = (url: string, options: { snapshot?: boolean; source?: string } = {}) => {
    const begin = createStartImport({ database: test.database, queue: recordJobs() });
    return begin({
      url,
      snapshot: options.snapshot ?? false,
      allowMassDelete: false,
      source: options.source ?? "shop",
    });
  };
  const work = (importRunId: string, retryCount = 0) => job.run({ id: "1", data: { importRunId }, retryCount }, signal);
  const stored = async (id: string) => {
    const [row] = await test.database.query<Record<string, unknown>>(
      `SELECT state, rows, created, updated, unchanged, deleted, failed, failure, finished_at IS NOT NULL AS ended
       FROM import_run WHERE id = $1`,
      [id],
    );
    return row;
  };

  it("records an import of an address, and refuses a path", async () => {
    const queue = recordJobs();
    const begin = createStartImport({ database: test.database, queue });
    const run = await begin({ url: "https://shop.example/feed.xml", snapshot: true, allowMassDelete: false });
    assert.deepEqual([run.source, run.format, run.state], ["shop.example", "auto", "PENDING"]);
    assert.deepEqual(queue.take("import-catalog"), [{ importRunId: run.id }]);
    for (const url of ["/etc/passwd", "file:///etc/passwd", "ftp://shop.example/a", "https://"]) {
      await assert.rejects(begin({ url, snapshot: false, allowMassDelete: false }), BadUserInput);
    }
  });

  it("counts, keeps the problems, and ends the run; a second delivery does nothing", async () => {
    feeds.set("/feed.csv", (response) => response.end("id,title,price,image_link\n1,a,5,\n2,b,-1,\n3,c,,x.png\n"));
    const { id } = await start(`${address}/feed.csv`);
    await work(id);
    const expected = { state: "SUCCEEDED", rows: 3, created: 1, updated: 0, unchanged: 0, deleted: 0, failed: 2 };
    assert.deepEqual(await stored(id), { ...expected, failure: null, ended: true });
    await work(id);
    assert.deepEqual(await stored(id), { ...expected, failure: null, ended: true });
    const issues = await test.database.query(
      "SELECT line, code FROM import_issue WHERE import_run_id = $1 ORDER BY id",
      [id],
    );
    assert.deepEqual(issues, [
      { line: 3, code: "PRICE_NEGATIVE" },
      { line: 4, code: "PHOTO_PATH_REFUSED" },
    ]);
  });

  it("keeps the first thousand problems of a run, and counts them all", async () => {
    feeds.set("/bad.csv", (response) =>
      response.end(`id,price\n${Array.from({ length: 1_600 }, (_, n) => `${n},x\n`).join("")}`),
    );
    const { id } = await start(`${address}/bad.csv`, { source: "bad" });
    await work(id);
    const [count] = await test.database.query("SELECT count(*) FROM import_issue WHERE import_run_id = $1", [id]);
    assert.deepEqual([count, (await stored(id))?.failed], [{ count: 1_000n }, 1_600]);
  });

  it("notes why a feed cannot be read, and asks again only when the network is to blame", async () => {
    feeds.set("/page.csv", (response) => response.end("<html>Log in</html>"));
    const wrong = await start(`${address}/page.csv`);
    await work(wrong.id);
    const page = await stored(wrong.id);
    assert.deepEqual([page?.state, String(page?.failure).split(":")[0]], ["FAILED", "WRONG_FORMAT"]);

    feeds.set("/busy.csv", (response) => response.writeHead(503).end());
    const busy = await start(`${address}/busy.csv`);
    await assert.rejects(work(busy.id), { name: "FetchFailed" });
    assert.equal((await stored(busy.id))?.state, "RUNNING");
    await work(busy.id, 4);
    assert.equal((await stored(busy.id))?.state, "FAILED");
  });

  it("refuses a mass delete with its numbers on the run", async () => {
    const rows = Array.from({ length: 10 }, (_, n) => `${n},t\n`).join("");
    feeds.set("/all.csv", (response) => response.end(`id,title\n${rows}`));
    await work((await start(`${address}/all.csv`, { source: "mass" })).id);
    feeds.set("/all.csv", (response) => response.end("id,title\n0,t\n"));
    const { id } = await start(`${address}/all.csv`, { source: "mass", snapshot: true });
    await work(id);
    const run = await stored(id);
    assert.deepEqual([run?.state, run?.rows, run?.deleted], ["FAILED", 1, 0]);
    assert.match(String(run?.failure), /^MASS_DELETE_REFUSED: .* 9 of the source's 10 products/);
  });

  it("ends with the right counts after its worker was killed in the middle", async () => {
    const rows = 4_000;
    const feed = (slow: boolean) => async (response: ServerResponse) => {
      response.write("id,title,price\n");
      for (let row = 0; row < rows && !response.destroyed; row += 100) {
        const lines = Array.from({ length: 100 }, (_, n) => `${row + n},t,${n === 7 ? "bad" : "5"}\n`);
        response.write(lines.join(""));
        if (slow) await delay(30);
      }
      response.end();
    };
    feeds.set("/long.csv", feed(true));
    const { id } = await start(`${address}/long.csv`, { source: "long" });
    const script = fileURLToPath(new URL("../support/catalog-import-worker.js", import.meta.url));
    const worker = spawn(process.execPath, [script, JSON.stringify(test.config), id], { stdio: "inherit" });
    const ended = once(worker, "exit");
    for (;;) {
      const done = Number((await stored(id))?.rows);
      if (done >= 1_000) break;
      assert.equal(worker.exitCode, null, "the worker ended by itself");
      await delay(20);
    }
    worker.kill("SIGKILL");
    await ended;
    const half = await stored(id);
    assert.ok(half?.state === "RUNNING" && Number(half.rows) < rows, JSON.stringify(half));

    feeds.set("/long.csv", feed(false));
    await work(id, 1);
    const expected = { state: "SUCCEEDED", rows, created: 3_960, updated: 0, unchanged: 0, deleted: 0, failed: 40 };
    assert.deepEqual(await stored(id), { ...expected, failure: null, ended: true });
    const [found] = await test.database.query(
      `SELECT (SELECT count(*)::int FROM product WHERE source = 'long') AS products,
              (SELECT count(*)::int FROM import_issue WHERE import_run_id = $1) AS issues`,
      [id],
    );
    assert.deepEqual(found, { products: 3_960, issues: 40 });
  });
});
