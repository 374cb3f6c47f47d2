import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf } from "../errors.js";
import { claimFile } from "./claim-file.js";
import { EncoderBroken } from "./encoder-errors.js";

const entrySchema = z.strictObject({
  repository: z.string(),
  file: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  size: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const lockSchema = z.strictObject({ version: z.literal(1), encoders: z.record(z.string(), entrySchema) });

/** Exactly which bytes an encoder is made of. */
export type LockEntry = z.infer<typeof entrySchema>;

/**
 * Reads `encoders.lock.json`; a file that is not there locks nothing.
 * @throws EncoderBroken when it is there and cannot be understood
 */
export async function readEncoderLock(file: string): Promise<Readonly<Record<string, LockEntry>>> {
  try {
    return lockSchema.parse(JSON.parse(await readFile(file, "utf8"))).encoders;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new EncoderBroken(`${file} is not a valid encoder lock file: ${messageOf(error)}. Restore or remove it.`, {
      cause: error,
    });
  }
}

/**
 * Records one encoder, keeping the others; sorted, so that the file differs only where its content does. Processes
 * that pull different encoders at once take turns, or one would write over the other's entry.
 * @throws EncoderBroken when the file is not valid, or another process keeps it for longer than ten seconds
 */
export async function lockEncoder(file: string, name: string, entry: LockEntry): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const claim = await waitForClaim(`${file}.lock`);
  try {
    const encoders = { ...(await readEncoderLock(file)), [name]: entry };
    const sorted = Object.fromEntries(Object.entries(encoders).sort(([a], [b]) => (a < b ? -1 : 1)));
    await replaceFile(file, `${JSON.stringify({ version: 1, encoders: sorted }, null, 2)}\n`);
  } finally {
    await claim.release();
  }
}

async function waitForClaim(lock: string): Promise<{ release: () => Promise<void> }> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const claim = await claimFile(lock);
    if ("release" in claim) return claim;
    if (Date.now() > deadline) {
      throw new EncoderBroken(`Process ${claim.holder} holds ${lock}. End it, or remove the file, and pull again.`);
    }
    await sleep(20);
  }
}

/** Writes a small file so that a reader sees the old or the new content, never a part. */
export async function replaceFile(file: string, content: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const staging = `${file}.${randomUUID()}`;
  await writeFile(staging, content, { flush: true });
  await rename(staging, file);
}
