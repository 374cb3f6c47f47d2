import { createHash } from "node:crypto";
import type { Assignment, Experiment } from "./experiment.type.js";

/** Bytes of a number: a double holds them exactly. */
const BYTES = 6;

/**
 * The variant of a visitor, the same in every process and at every time: it follows from the experiment's id and the
 * visitor's key alone, so it changes neither with other experiments nor with the order of visits. Two parts of the hash
 * decide whether the visitor takes part and in what, so that a variant is the same at whatever share.
 * @returns undefined for a visitor outside the experiment's share
 */
export function assignVariant(
  { id, share, variants }: Pick<Experiment, "id" | "share" | "variants">,
  visitor: string,
): Assignment | undefined {
  const hash = createHash("sha256").update(`${id}:${visitor}`).digest();
  if (numberAt(hash, 0) >= share) return undefined;
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let left = numberAt(hash, BYTES) * total;
  // Rounding may leave a trifle beyond the last weight.
  let chosen = variants.length - 1;
  for (const [variant, { weight }] of variants.entries()) {
    left -= weight;
    if (left < 0) {
      chosen = variant;
      break;
    }
  }
  return { experimentId: id, variant: chosen, modelId: variants[chosen]!.modelId };
}

/** 0 ≤ number < 1. */
function numberAt(hash: Buffer, at: number): number {
  return hash.readUIntBE(at, BYTES) / 2 ** (8 * BYTES);
}
