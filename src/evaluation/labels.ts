import { formatProductId } from "../catalog/products/product-id.js";
import { BadUserInput } from "../errors.js";
import type { LabelledVector } from "../vectors/vectors.type.js";

/** What makes two items belong together. */
export type Labels = "category" | "group" | "product" | `attribute:${string}`;

type Labelled = Pick<LabelledVector, "productId" | "categoryPath" | "group" | "attributes">;

export interface LabelReader {
  /** Photos of one product can only be told apart by their own vectors; everything else is a property of products. */
  readonly of: "products" | "photos";
  /** Undefined: the item has no such label; it is nobody's neighbour, but takes a rank. */
  label(item: Labelled): string | undefined;
  /** What a report breaks its figures down by: few enough to look at. */
  shelf(item: Labelled): string;
}

/** Between the parts of a label, in names that people read and write; as in snapshots. */
export const PATH_SEPARATOR = " > ";
const NO_CATEGORY = "(no category)";

/**
 * Labels are named as people read them: a category's path `Shoes > Boots`, a group `source > group`, a product
 * `prod_42`, an attribute's values `red > white`.
 * @throws BadUserInput for a kind of label that does not exist
 */
export function labelReader(labels: string): LabelReader {
  const category = ({ categoryPath }: Labelled) => joined(categoryPath);
  const shelf = (item: Labelled) => category(item) ?? NO_CATEGORY;
  if (labels === "category") return { of: "products", label: category, shelf };
  if (labels === "group") {
    return { of: "products", label: ({ group }) => group?.replaceAll("\u001f", PATH_SEPARATOR), shelf };
  }
  if (labels === "product") return { of: "photos", label: ({ productId }) => formatProductId(productId), shelf };
  const name = /^attribute:(.+)$/.exec(labels)?.[1];
  if (name !== undefined) {
    // All values together: a red-and-white shirt belongs with red-and-white ones.
    const values = ({ attributes }: Labelled) => joined([...(attributes[name] ?? [])].sort());
    return { of: "products", label: values, shelf: (item) => values(item) ?? "" };
  }
  throw new BadUserInput(`labels must be category, group, product or attribute:NAME, not ${JSON.stringify(labels)}.`, [
    "labels",
  ]);
}

function joined(parts: readonly string[]): string | undefined {
  return parts.length === 0 ? undefined : parts.join(PATH_SEPARATOR);
}
