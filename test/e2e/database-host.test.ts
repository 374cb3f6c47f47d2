import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openDatabase } from "../../src/database/connect.js";
import { announceHttpAddress, describeHolder } from "../../src/database/embedded/holder.js";
import { DatabaseNotRunning, DataFolderInUse } from "../../src/database/errors.js";
import { startChild } from "../support/child.js";
import { copyEmbeddedTemplate, testLogger } from "../support/database.js";

const isRefusal = (message: unknown): boolean => typeof message === "object";

describe("processes that share a data folder", () => {
  let data: string;
  before(async () => {
    data = mkdtempSync(path.join(tmpdir(), "lookalike-test-"));
    await copyEmbeddedTemplate(data);
  });
  after(() => rmSync(data, { recursive: true, force: true }));

  test("a second server is refused and told who holds the folder", async () => {
    const server = startChild("child-database", data, "server", "stay");
    await server.saw((message) => message === "open");
    await assert.rejects(openDatabase({ data }, testLogger, { role: "server" }), (error) => {
      assert.ok(error instanceof DataFolderInUse);
      assert.equal(error.holder.pid, server.pid);
      assert.match(error.message, new RegExp(`process ${server.pid} .*child-database\\.js`));
      return true;
    });
    const second = startChild("child-database", data, "server", "stay");
    const refusal = await second.saw<{ code: string }>(isRefusal);
    assert.equal(refusal.code, "DATA_FOLDER_IN_USE");
    assert.equal(await second.ended, 1);

    for (const role of ["client", "guest"] as const) {
      const joined = await openDatabase({ data }, testLogger, { role });
      assert.deepEqual(await joined.query("SELECT 1 AS one"), [{ one: 1 }]);
      assert.equal((await describeHolder(data))?.pid, server.pid);
      await joined.close();
    }
    server.send("end");
    assert.equal(await server.ended, 0);
    assert.equal(await describeHolder(data), undefined);
    await assert.rejects(openDatabase({ data }, testLogger, { role: "guest" }), DatabaseNotRunning);
  });

  test("the holder can say where it serves HTTP", async () => {
    const database = await openDatabase({ data }, testLogger, { role: "server" });
    await announceHttpAddress(data, "http://127.0.0.1:4400");
    assert.equal((await describeHolder(data))?.httpAddress, "http://127.0.0.1:4400");
    await database.close();
  });

  test("of many that start at once one hosts, and it stays until the others have gone", async () => {
    const database = await openDatabase({ data }, testLogger);
    await database.query("CREATE TABLE counter (value INT); INSERT INTO counter VALUES (0)");
    await database.close();
    const children = Array.from({ length: 4 }, () => startChild("child-database", data, "client", "count", "25"));
    for (const child of children) assert.equal(await child.ended, 0, child.errors());
    const after = await openDatabase({ data }, testLogger);
    assert.deepEqual(await after.query("SELECT value FROM counter"), [{ value: 100 }]);
    await after.close();
    assert.equal(readdirSync(path.join(data, "database")).filter((name) => name.startsWith("holder-")).length, 1);
  });

  test("a client killed in the middle of its transaction leaves no trace and holds nobody up", async () => {
    const database = await openDatabase({ data }, testLogger, { role: "server" });
    await database.query("UPDATE counter SET value = 0");
    const counting = [1, 2].map(() => startChild("child-database", data, "guest", "count", "20"));
    const hanging = startChild("child-database", data, "guest", "hang");
    await hanging.saw((message) => message === "holding");
    await hanging.kill();
    for (const child of counting) assert.equal(await child.ended, 0, child.errors());
    assert.deepEqual(await database.query("SELECT value FROM counter"), [{ value: 40 }]);
    await database.close();
  });

  test("a host killed while it commits loses no acknowledged commit, and its folder is free at once", async () => {
    const database = await openDatabase({ data }, testLogger);
    await database.query("CREATE TABLE number (value INT)");
    await database.close();
    for (let round = 0; round < 2; round += 1) {
      const first = round * 1_000_000;
      const host = startChild("child-database", data, "server", "commit", String(first));
      await host.saw((message) => message === first + 300);
      await host.kill();
      const acknowledged = host.messages.filter((message) => typeof message === "number");
      const reopened = await openDatabase({ data }, testLogger, { role: "server" });
      const rows = await reopened.query<{ value: number }>("SELECT value FROM number WHERE value >= $1", [first]);
      const kept = new Set(rows.map(({ value }) => value));
      assert.deepEqual(
        acknowledged.filter((number) => !kept.has(number)),
        [],
      );
      await reopened.close();
    }
  });

  test("a client goes on after its host was killed and another one has started", async () => {
    const first = startChild("child-database", data, "server", "stay");
    await first.saw((message) => message === "open");
    const client = await openDatabase({ data }, testLogger, { role: "guest" });
    assert.deepEqual(await client.query("SELECT 1 AS one"), [{ one: 1 }]);
    await first.kill();
    await assert.rejects(client.query("SELECT 1 AS one"));
    const second = startChild("child-database", data, "server", "stay");
    await second.saw((message) => message === "open");
    assert.deepEqual(await client.query("SELECT 1 AS one"), [{ one: 1 }]);
    await client.close();
    second.send("end");
    assert.equal(await second.ended, 0);
  });

  test("a host that finds itself replaced ends with an error instead of writing beside its successor", async () => {
    const host = startChild("child-database", data, "server", "stay");
    await host.saw((message) => message === "open");
    const folder = path.join(data, "database");
    const [record] = readdirSync(folder).filter((name) => name.startsWith("holder-"));
    cpSync(path.join(folder, record!), path.join(folder, "holder-999999.json"));
    assert.notEqual(await host.ended, 0);
    assert.match(host.errors(), /EMBEDDED_DATABASE_STOPPED/);
    const reopened = await openDatabase({ data }, testLogger, { role: "server" });
    assert.deepEqual(await reopened.query("SELECT 1 AS one"), [{ one: 1 }]);
    await reopened.close();
  });
});
