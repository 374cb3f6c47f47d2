import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TransactionAborted, TransactionMisuse } from "../../src/database/errors.js";
import { describeOnBothDatabases, type TestDatabase } from "../support/database.js";

describeOnBothDatabases("an open database", (open, kind) => {
  let opened: TestDatabase;
  before(async () => {
    opened = await open();
  });
  after(() => opened.drop());

  test("knows its kind", async () => {
    const [row] = await opened.database.query<{ version: string }>("SELECT version()");
    assert.equal(opened.database.kind, kind);
    assert.equal(row?.version.includes("wasm32"), kind === "embedded");
    const [column] = await opened.database.query<{ type: string }>(
      "SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'vectors.photo_vector'::regclass AND attname = 'vec'",
    );
    assert.equal(column?.type, opened.database.vectorType);
  });

  test("gives int8 as bigint, numeric as text and timestamps as dates", async () => {
    const [row] = await opened.database.query(
      "SELECT 9007199254740993::int8 AS id, ARRAY[1, NULL]::int8[] AS ids, 0.1::numeric AS price, to_timestamp(0) AS at",
    );
    assert.deepEqual(row, { id: 9007199254740993n, ids: [1n, null], price: "0.1", at: new Date(0) });
  });

  test("takes bigint parameters, alone and in arrays", async () => {
    const id = 9007199254740993n;
    const [row] = await opened.database.query("SELECT $1::int8 AS id, $2::int8[] AS ids", [id, [id, 2n]]);
    assert.deepEqual(row, { id, ids: [id, 2n] });
  });

  test("leaves Prisma's own types alone", async () => {
    const product = await opened.database.prisma.product.create({
      data: { source: "test", externalId: "1", title: "Chair", digest: "d", categoryPath: ["home"], priceMinor: 100n },
    });
    assert.equal(typeof product.id, "bigint");
    assert.deepEqual(
      (await opened.database.prisma.product.findUnique({ where: { id: product.id } }))?.priceMinor,
      100n,
    );
  });

  test("commits what a transaction wrote, and nothing of one that throws", async () => {
    const { database } = opened;
    const insert =
      "INSERT INTO image_blob (content_hash, mime, width, height, bytes) VALUES ($1, 'image/png', 1, 1, 1)";
    await database.transaction((sql) => sql.query(insert, ["kept"]));
    await assert.rejects(
      database.transaction(async (sql) => {
        await sql.query(insert, ["lost"]);
        throw new Error("changed my mind");
      }),
      /changed my mind/,
    );
    const rows = await database.query("SELECT content_hash FROM image_blob");
    assert.deepEqual(rows, [{ content_hash: "kept" }]);
  });

  test("does not call a transaction committed whose failure was swallowed", async () => {
    await assert.rejects(
      opened.database.transaction(async (sql) => {
        await sql.query("SELECT 1 / 0").catch(() => {});
      }),
      TransactionAborted,
    );
  });

  test("refuses to be used beside its own transaction, which would never end on one session", async () => {
    const { database } = opened;
    await assert.rejects(
      database.transaction(() => database.query("SELECT 1")),
      TransactionMisuse,
    );
    await assert.rejects(
      database.transaction(() => database.transaction(async () => {})),
      TransactionMisuse,
    );
    assert.deepEqual(await database.query("SELECT 1 AS one"), [{ one: 1 }]);
  });

  test("survives connections that the server cuts off", async () => {
    const { database } = opened;
    const cut = database.transaction(async (sql) => {
      await sql.query("SELECT 1");
      if (kind === "postgres") await sql.query("SELECT pg_terminate_backend(pg_backend_pid())");
      else throw new Error("terminated");
    });
    await assert.rejects(cut, /terminat/);
    assert.deepEqual(await database.query("SELECT 1 AS one"), [{ one: 1 }]);
  });

  test("runs prepared statements by name", async () => {
    for (const value of [1, 2]) {
      const rows = await opened.database.query("SELECT $1::int AS value", [value], { name: "value" });
      assert.deepEqual(rows, [{ value }]);
    }
  });
});
