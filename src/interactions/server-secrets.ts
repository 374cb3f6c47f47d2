import { randomBytes } from "node:crypto";
import type { Sql } from "../database/database.type.js";

/** Keys that every process over the same database has in common. */
export type ServerSecret = () => Promise<Buffer>;

/** Finds the key of this name, or draws it: whoever is first decides. Read once a process. */
export function createServerSecret(sql: Sql, name: string): ServerSecret {
  let known: Promise<Buffer> | undefined;
  return () => {
    known ??= findOrDraw(sql, name).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

async function findOrDraw(sql: Sql, name: string): Promise<Buffer> {
  const find = async (): Promise<Buffer | undefined> => {
    const [row] = await sql.query<{ secret: Buffer }>("SELECT secret FROM server_secret WHERE name = $1", [name]);
    return row?.secret;
  };
  const found = await find();
  if (found !== undefined) return found;
  await sql.query("INSERT INTO server_secret (name, secret) VALUES ($1, $2::bytea) ON CONFLICT DO NOTHING", [
    name,
    randomBytes(32),
  ]);
  return (await find())!;
}
