import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { lexicographicSortSchema, printSchema } from "graphql";
import { packageRoot } from "../database/package-root.js";
import { buildGraphqlSchema } from "./graphql-schema.js";

/**
 * Writes schema/schema.graphql. With --check only compares, and fails when the committed file is stale.
 */
function emitSchema(check: boolean): void {
  const file = path.join(packageRoot(), "schema", "schema.graphql");
  const header = "# Made by `npm run schema` from the resolvers. Do not edit.\n\n";
  const text = `${header}${printSchema(lexicographicSortSchema(buildGraphqlSchema()))}\n`;
  if (!check) {
    writeFileSync(file, text);
    return;
  }
  let committed = "";
  try {
    committed = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  if (committed !== text) {
    console.error("schema/schema.graphql is stale. Run: npm run schema");
    process.exitCode = 1;
  }
}

emitSchema(process.argv.includes("--check"));
