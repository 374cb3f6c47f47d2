import { createHash, timingSafeEqual } from "node:crypto";

/** Digests have one length, so that the comparison takes as long for any guess. */
export function equalSecrets(given: string, expected: string): boolean {
  return timingSafeEqual(digestSecret(given), digestSecret(expected));
}

export function digestSecret(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
