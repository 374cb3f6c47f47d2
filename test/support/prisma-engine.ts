import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as engine from "@prisma/schema-engine-wasm/schema_engine_bg";
import type pg from "pg";
import { readMigrations } from "../../src/database/migration-files.js";
import { packageRoot } from "../../src/database/package-root.js";

/** What the package's own loader does with the binary; it imports the .wasm file, which Node 20 cannot. */
type Loader = { __wbg_set_wasm(exports: unknown): void };

const folder = path.join(packageRoot(), "prisma");
const schemaFile = path.join(folder, "schema.prisma");

/** Nothing is left out of what the engine looks at. */
export const everything = { externalTables: [], externalEnums: [] };

export const prismaSchema = { files: [{ path: schemaFile, content: readFileSync(schemaFile, "utf8") }] };

/** The module keeps state beside the instance, so a second instance in one process breaks the first. */
let started = false;

function start(): void {
  if (started) return;
  started = true;
  const binary = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const compiled = new WebAssembly.Module(readFileSync(binary.replace(/\.js$/, ".wasm")));
  const { exports } = new WebAssembly.Instance(compiled, { "./schema_engine_bg.js": { ...engine } });
  (engine as unknown as Loader).__wbg_set_wasm(exports);
  (exports as { __wbindgen_start(): void }).__wbindgen_start();
}

/** The engine behind `prisma migrate`, as WebAssembly, because the native one must be downloaded. */
export async function openPrismaEngine(pool: pg.Pool): Promise<engine.SchemaEngine> {
  start();
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
  const datamodels: [string, string][] = prismaSchema.files.map(({ path, content }) => [path, content]);
  return engine.SchemaEngine.new({ datamodels }, () => {}, adapter);
}

/** Our migrations, as the Prisma CLI hands them to its engine. */
export function prismaMigrationList(): engine.MigrationList {
  return {
    baseDir: path.join(folder, "migrations"),
    lockfile: {
      path: "migration_lock.toml",
      content: readFileSync(path.join(folder, "migrations", "migration_lock.toml"), "utf8"),
    },
    shadowDbInitScript: "",
    migrationDirectories: readMigrations().map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
    })),
  };
}
