import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { openDatabase } from "../../src/database/connect.js";
import type { Sql } from "../../src/database/database.type.js";
import {
  DatabaseUnreachable,
  PgvectorMissing,
  PgvectorNotAllowed,
  PgvectorTooOld,
  PostgresTooOld,
} from "../../src/database/errors.js";
import { ensurePgvector } from "../../src/database/pgvector.js";
import { createEmptyDatabase, postgresMissing, type TestDatabase, testLogger } from "../support/database.js";

describe("a Postgres that does not fit", { skip: postgresMissing }, () => {
  let empty: Omit<TestDatabase, "database">;
  before(async () => {
    empty = await createEmptyDatabase();
  });
  after(() => empty.drop());

  test("whose user may not create pgvector is told what a superuser must run", async () => {
    const role = `lookalike_test_${randomBytes(4).toString("hex")}`;
    const admin = await openDatabase(empty.config, testLogger, { migrate: false });
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret-of-the-role'`);
    const url = new URL(empty.config.databaseUrl!);
    url.username = role;
    url.password = "secret-of-the-role";
    await assert.rejects(openDatabase({ ...empty.config, databaseUrl: url.href }, testLogger), (error) => {
      assert.ok(error instanceof PgvectorNotAllowed);
      assert.match(error.message, new RegExp(`${role}.*CREATE EXTENSION vector;`));
      return true;
    });
    await admin.query(`DROP ROLE ${role}`);
    await admin.close();
  });

  test("whose pgvector is too old is told how to update it", async () => {
    const database = await openDatabase(empty.config, testLogger, { migrate: false });
    await database.query(
      "CREATE EXTENSION vector; UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'",
    );
    await assert.rejects(openDatabase(empty.config, testLogger), (error) => {
      assert.ok(error instanceof PgvectorTooOld);
      assert.match(error.message, /0\.7\.4 .*ALTER EXTENSION vector UPDATE;/);
      return true;
    });
    await database.query("DROP EXTENSION vector");
    await database.close();
  });

  test("that does not answer is named without its password", async () => {
    const databaseUrl = "postgres://shop:hunter2@127.0.0.1:1/shop";
    await assert.rejects(openDatabase({ ...empty.config, databaseUrl }, testLogger), (error) => {
      assert.ok(error instanceof DatabaseUnreachable);
      assert.match(error.message, /127\.0\.0\.1:1\/shop/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
});

test("a server without pgvector is told which package to install", async () => {
  // Real Postgres without the extension: PGlite, when it is not given it.
  const lite = await PGlite.create();
  const bare: Sql = {
    query: async (text, parameters) => (await lite.query(text, [...(parameters ?? [])])).rows as never,
  };
  await assert.rejects(ensurePgvector(bare), (error) => {
    assert.ok(error instanceof PgvectorMissing);
    assert.match(error.message, /postgresql-\d\d-pgvector/);
    return true;
  });
  await lite.close();
});

test("a server older than 15 is told so", async () => {
  // A fake, because no such server can be had here: it answers as Postgres 14 would.
  const old: Sql = { query: async () => [{ number: 140_005, version: "14.5" }] as never };
  await assert.rejects(ensurePgvector(old), PostgresTooOld);
});
