import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../../config.js";

/** Where the generated token of administrators is kept. */
export function adminTokenFile(config: Pick<Config, "data">): string {
  return path.join(config.data, "admin-token");
}

/**
 * The token of administrators: the configured one, or the one in the data folder, generated at the first start and
 * readable by its owner only.
 * @returns `file` when the token is kept there
 */
export async function ensureAdminToken(
  config: Pick<Config, "data" | "adminToken">,
): Promise<{ readonly token: string; readonly file?: string }> {
  if (config.adminToken !== undefined) return { token: config.adminToken };
  const file = adminTokenFile(config);
  await mkdir(config.data, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  try {
    // A link is made whole or not at all, and never over another: of two processes that start at once, one wins, and
    // neither reads half a token.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return { token: (await readFile(file, "utf8")).trim(), file };
}
