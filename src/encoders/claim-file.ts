import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";

export type FileClaim = { readonly release: () => Promise<void> } | { readonly holder: number };

/**
 * Claims a lock file for this process, or says which living process holds it. The file appears with its holder's id
 * already in it (a hard link), so that no one mistakes a lock in the making for one whose holder died.
 */
export async function claimFile(lock: string): Promise<FileClaim> {
  const staging = `${lock}.${randomUUID()}`;
  await writeFile(staging, String(process.pid));
  try {
    for (;;) {
      try {
        await link(staging, lock);
        return { release: () => rm(lock, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = Number(await readFile(lock, "utf8").catch(() => ""));
      if (holder > 0 && isAlive(holder)) return { holder };
      await rm(lock, { force: true });
    }
  } finally {
    await rm(staging, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
