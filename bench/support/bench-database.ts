import { BadUserInput } from "../../src/errors.js";
import type { TestDatabase } from "../../test/support/database.js";

/**
 * A migrated database of its own, to be dropped afterwards: on the server of TEST_DATABASE_URL or DATABASE_URL where that
 * can be reached.
 * @param kind "any": embedded where no server can be reached
 * @throws BadUserInput when only a server will do
 */
export async function openBenchDatabase(kind: "postgres" | "embedded" | "any"): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL ?? process.env.DATABASE_URL;
  if (server !== undefined) process.env.TEST_DATABASE_URL = server;
  // Loaded now: it looks for a server when it is loaded.
  const { openTestDatabase, postgresMissing } = await import("../../test/support/database.js");
  if (kind === "postgres" && postgresMissing) {
    throw new BadUserInput(`This benchmark needs a real Postgres: ${postgresMissing}.`);
  }
  return openTestDatabase(kind === "embedded" || postgresMissing ? "embedded" : "postgres");
}
