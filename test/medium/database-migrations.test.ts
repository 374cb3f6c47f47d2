import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openDatabase } from "../../src/database/connect.js";
import type { Sql } from "../../src/database/database.type.js";
import { MigrationFailed, MigrationUnfinished } from "../../src/database/errors.js";
import { migrate } from "../../src/database/migrate.js";
import { readMigrations } from "../../src/database/migration-files.js";
import {
  createEmptyDatabase,
  describeOnBothDatabases,
  postgresMissing,
  type TestDatabase,
  testLogger,
} from "../support/database.js";
import { everything, openPrismaEngine, prismaMigrationList, prismaSchema } from "../support/prisma-engine.js";

/** Tables, columns, indexes and constraints that Prisma knows about, as Postgres describes them. */
async function describeSchema(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ line: string }>(`
    SELECT format('%s.%s %s null:%s default:%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname <> '_prisma_migrations'
    UNION ALL
    -- Prisma has no word for partial indexes.
    SELECT indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' AND indexdef NOT LIKE '% WHERE %'
    UNION ALL
    SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> '_prisma_migrations' AND contype = 'f'
    ORDER BY 1`);
  return rows.map(({ line }) => line);
}

describeOnBothDatabases("the migrations", (open, kind) => {
  let opened: TestDatabase;
  before(async () => {
    opened = await open();
  });
  after(() => opened.drop());

  test("are recorded as Prisma records them", async () => {
    const rows = await opened.database.query(
      `SELECT migration_name AS name, checksum, applied_steps_count AS steps, finished_at >= started_at AS finished,
              rolled_back_at, logs, length(id) AS id FROM _prisma_migrations ORDER BY started_at, migration_name`,
    );
    const expected = readMigrations().map(({ name, checksum }) => {
      return { name, checksum, steps: 1, finished: true, rolled_back_at: null, logs: null, id: 36 };
    });
    assert.deepEqual(rows, expected);
    assert.match(expected[0]!.checksum, /^[0-9a-f]{64}$/);
  });

  test("leave nothing to apply for Prisma's own engine, which sees no edited and no failed one", async () => {
    const engine = await openPrismaEngine(opened.database.pool);
    const migrationsList = prismaMigrationList();
    const diagnosis = await engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters: everything,
    });
    assert.deepEqual(diagnosis, {
      editedMigrationNames: [],
      failedMigrationNames: [],
      hasMigrationsTable: true,
      history: null,
    });
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: everything });
    assert.deepEqual(appliedMigrationNames, []);
    engine.free();
  });

  test("apply once, and a new one is a new folder", async () => {
    const { database } = opened;
    const folder = mkdtempSync(path.join(tmpdir(), "lookalike-migrations-"));
    mkdirSync(path.join(folder, "29990101000000_new"));
    writeFileSync(path.join(folder, "29990101000000_new", "migration.sql"), "CREATE TABLE extra (id INT);\nSELECT 1;");
    const files = [...readMigrations(), ...readMigrations(folder)];
    assert.deepEqual(await migrate(database.transaction, testLogger, files), ["29990101000000_new"]);
    assert.deepEqual(await migrate(database.transaction, testLogger, files), []);
    rmSync(folder, { recursive: true });
    await database.query("DROP TABLE extra; DELETE FROM _prisma_migrations WHERE migration_name LIKE '2999%'");
  });

  test("keep nothing of one that fails, and name it", async () => {
    const { database } = opened;
    const broken = { name: "29990101000000_broken", sql: "CREATE TABLE half (id INT); SELECT 1 / 0;", checksum: "c" };
    const run = () => migrate(database.transaction, testLogger, [...readMigrations(), broken]);
    await assert.rejects(run, (error) => error instanceof MigrationFailed && error.message.includes(broken.name));
    const [row] = await database.query("SELECT to_regclass('half') AS half");
    assert.deepEqual(row, { half: null });
    // Corrected, it goes on from there.
    const corrected = { ...broken, sql: "SELECT 1" };
    assert.deepEqual(await migrate(database.transaction, testLogger, [...readMigrations(), corrected]), [broken.name]);
    await database.query("DELETE FROM _prisma_migrations WHERE migration_name LIKE '2999%'");
  });

  test("stop at one that Prisma left unfinished, and name it", async () => {
    const { database } = opened;
    await database.query(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', 'c', '29990101000000_stuck')",
    );
    await assert.rejects(
      () => migrate(database.transaction, testLogger),
      (error) => error instanceof MigrationUnfinished && error.message.includes("29990101000000_stuck"),
    );
    await database.query("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = '1'");
    assert.deepEqual(await migrate(database.transaction, testLogger), []);
    await database.query("DELETE FROM _prisma_migrations WHERE id = '1'");
  });

  test("make the schema that schema.prisma describes", {
    skip: kind === "embedded" && "compared on Postgres",
  }, async () => {
    const engine = await openPrismaEngine(opened.database.pool);
    const { stdout } = await engine.diff({
      from: { tag: "empty" },
      to: { tag: "schemaDatamodel", ...prismaSchema },
      script: true,
      exitCode: null,
      filters: everything,
    });
    engine.free();
    const empty = await createEmptyDatabase();
    try {
      const described = await openDatabase(empty.config, testLogger, { migrate: false });
      await described.query(stdout!);
      assert.deepEqual(await describeSchema(opened.database), await describeSchema(described));
      await described.close();
    } finally {
      await empty.drop();
    }
  });
});

describe("starting at once", { skip: postgresMissing }, () => {
  test("applies each migration once when several processes start on an empty database", async () => {
    const empty = await createEmptyDatabase();
    try {
      const all = await Promise.all([1, 2, 3, 4].map(() => openDatabase(empty.config, testLogger)));
      const rows = await all[0]!.query("SELECT migration_name AS name FROM _prisma_migrations ORDER BY 1");
      assert.deepEqual(
        rows,
        readMigrations().map(({ name }) => ({ name })),
      );
      await Promise.all(all.map((database) => database.close()));
    } finally {
      await empty.drop();
    }
  });
});
