import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "./package-root.js";

export interface MigrationFile {
  /** The folder's name, which also gives the order. */
  readonly name: string;
  readonly sql: string;
  /** Lowercase hex SHA-256 of the raw file, as `prisma migrate deploy` writes it. */
  readonly checksum: string;
}

/** The migrations of this package in the order in which they apply. */
export function readMigrations(folder = path.join(packageRoot(), "prisma", "migrations")): MigrationFile[] {
  return readdirSync(folder)
    .filter((name) => existsSync(path.join(folder, name, "migration.sql")))
    .sort()
    .map((name) => {
      const raw = readFileSync(path.join(folder, name, "migration.sql"));
      return { name, sql: raw.toString("utf8"), checksum: createHash("sha256").update(raw).digest("hex") };
    });
}
