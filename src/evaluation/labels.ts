import { BadUserInput } from "../errors.js";
import type { LabelledVector } from "../vectors/vectors.type.js";

/** What makes two items belong together. */
export type Labels = "category" | "group" | "product" | `attribute:${string}`;

export interface LabelReader {
  /** Photos of one product can only be told apart by their own vectors; everything else is a property of products. */
  readonly of: "products" | "photos";
  /** Undefined: the item has no such label; it is nobody's neighbour, but takes a rank. */
  label(item: LabelledVector): string | undefined;
}

const SEPARATOR = "\u001f";

/** @throws BadUserInput for a kind of label that does not exist */
export function labelReader(labels: string): LabelReader {
  if (labels === "category") return { of: "products", label: ({ categoryPath }) => joined(categoryPath) };
  if (labels === "group") return { of: "products", label: ({ group }) => group ?? undefined };
  if (labels === "product") return { of: "photos", label: ({ productId }) => String(productId) };
  const name = /^attribute:(.+)$/.exec(labels)?.[1];
  if (name !== undefined) {
    // All values together: a red-and-white shirt belongs with red-and-white ones.
    return { of: "products", label: ({ attributes }) => joined([...(attributes[name] ?? [])].sort()) };
  }
  throw new BadUserInput(`labels must be category, group, product or attribute:NAME, not ${JSON.stringify(labels)}.`, [
    "labels",
  ]);
}

function joined(parts: readonly string[]): string | undefined {
  return parts.length === 0 ? undefined : parts.join(SEPARATOR);
}
