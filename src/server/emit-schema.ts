import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { lexicographicSortSchema, printSchema } from "graphql";
import { packageRoot } from "../database/package-root.js";
import { parseProductKey, printSubgraph, subgraphDefinitions } from "../federation/index.js";
import { buildGraphqlSchema } from "./graphql-schema.js";

const HEADER = "# Made by `npm run schema` from the resolvers. Do not edit.\n\n";

/**
 * Writes schema/schema.graphql, and schema/subgraph.graphql with the usual key. With --check only compares, and fails
 * when a committed file is stale.
 */
function emitSchema(check: boolean): void {
  const schema = buildGraphqlSchema();
  const key = parseProductKey("id");
  const files = {
    "schema.graphql": `${printSchema(lexicographicSortSchema(schema))}\n`,
    "subgraph.graphql": printSubgraph(subgraphDefinitions(schema, key), key),
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(packageRoot(), "schema", name);
    if (!check) writeFileSync(file, HEADER + text);
    else if (readOrEmpty(file) !== HEADER + text) {
      console.error(`schema/${name} is stale. Run: npm run schema`);
      process.exitCode = 1;
    }
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  }
}

emitSchema(process.argv.includes("--check"));
