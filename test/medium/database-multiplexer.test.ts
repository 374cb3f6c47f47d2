import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { createMultiplexer, type Multiplexer } from "../../src/database/embedded/multiplexer.js";

describe("many clients on one session", () => {
  let lite: PGlite;
  let folder: string;
  let multiplexer: Multiplexer;
  const clients: pg.Client[] = [];

  before(async () => {
    lite = await PGlite.create();
    folder = mkdtempSync(path.join(tmpdir(), "lookalike-mux-"));
    multiplexer = createMultiplexer({
      async execute(bytes) {
        const chunks: Buffer[] = [];
        await lite.execProtocolRawStream(bytes, { onRawData: (chunk) => void chunks.push(Buffer.from(chunk)) });
        return Buffer.concat(chunks);
      },
      onBroken: (error) => assert.fail(String(error)),
      idleInTransactionMs: 300,
    });
    await new Promise<void>((resolve) => multiplexer.server.listen(path.join(folder, ".s.PGSQL.5432"), resolve));
    const client = await connect();
    await client.query("CREATE TABLE note (text TEXT)");
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });
  after(async () => {
    await multiplexer.close();
    await lite.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ host: folder, user: "postgres", database: "postgres" });
    client.on("error", () => {});
    await client.connect();
    clients.push(client);
    return client;
  };

  test("wait for each other's transactions, not only for each other's statements", async () => {
    const [one, other] = [await connect(), await connect()];
    const order: string[] = [];
    await one.query("BEGIN");
    const outside = other.query("SELECT count(*)::int AS notes FROM note").then(({ rows }) => {
      order.push("other");
      return rows;
    });
    await one.query("INSERT INTO note VALUES ('a')");
    order.push("insert");
    await one.query("ROLLBACK");
    order.push("rollback");
    assert.deepEqual(await outside, [{ notes: 0 }]);
    assert.deepEqual(order, ["insert", "rollback", "other"]);
  });

  test("go on after the failure of one", async () => {
    const [one, other] = [await connect(), await connect()];
    await one.query("BEGIN");
    await assert.rejects(one.query("SELECT 1 / $1::int", [0]), { code: "22012" });
    await assert.rejects(one.query("SELECT 1"), { code: "25P02" });
    const waiting = other.query("SELECT 1 AS one");
    await one.query("ROLLBACK");
    assert.deepEqual((await waiting).rows, [{ one: 1 }]);
  });

  test("are rid of one that leaves its transaction open", async () => {
    const [one, other] = [await connect(), await connect()];
    const lost = new Promise<Error & { code?: string }>((resolve) => one.once("error", resolve));
    await one.query("BEGIN");
    await one.query("INSERT INTO note VALUES ('forgotten')");
    assert.deepEqual((await other.query("SELECT text FROM note")).rows, []);
    assert.equal((await lost).code, "25P03");
  });

  test("may send and get many megabytes", async () => {
    const client = await connect();
    const { rows } = await client.query("SELECT $1::bytea AS bytes", [Buffer.alloc(8_000_000, 7)]);
    assert.ok((rows[0].bytes as Buffer).equals(Buffer.alloc(8_000_000, 7)));
  });

  test("cannot kill the database with COPY FROM STDIN, in or outside of a transaction", async () => {
    const client = await connect();
    await assert.rejects(client.query("COPY note FROM STDIN"), { code: "0A000" });
    await client.query("BEGIN");
    await assert.rejects(client.query("COPY note FROM STDIN"), { code: "0A000" });
    await assert.rejects(client.query("SELECT 1"), { code: "25P02" });
    await client.query("ROLLBACK");
    assert.deepEqual((await client.query("SELECT 1 AS one")).rows, [{ one: 1 }]);
  });

  test("hear each other's notifications", async () => {
    const [one, other] = [await connect(), await connect()];
    const heard = new Promise<pg.Notification>((resolve) => one.once("notification", resolve));
    await one.query("LISTEN news");
    await other.query("NOTIFY news, 'hello'");
    const { channel, payload } = await heard;
    assert.deepEqual({ channel, payload }, { channel: "news", payload: "hello" });
    await one.query("UNLISTEN *");
  });
});
