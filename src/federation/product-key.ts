import { BadUserInput } from "../errors.js";

/** A field of the key, with its type in SDL. */
export interface KeyField {
  readonly name: string;
  readonly type: string;
}

/** How other subgraphs name a product. */
export interface ProductKey {
  /** Holds the id that the shop's platform gave the product. */
  readonly id: KeyField;
  /** Belong to the key but not to the product, such as Saleor's channel: handed from the asked product to its neighbours. */
  readonly others: readonly KeyField[];
}

const FIELD = /^([A-Za-z_]\w{0,99})(?::((?:ID|String)!?))?$/;

/**
 * Reads a key as `@key` has it: `id`, `id channel` (Saleor), `sku`. A type follows a colon where the other subgraph's is
 * not the usual one: `sku:ID`. Usual are `ID!` for a field called id, `String!` for another first one, `String` after it.
 * @throws BadUserInput
 */
export function parseProductKey(text: string): ProductKey {
  const fields = text
    .trim()
    .split(/\s+/)
    .map((part, place): KeyField => {
      const [, name, type] = FIELD.exec(part) ?? [];
      if (name === undefined || name === "similarItems" || name.startsWith("__")) {
        throw new BadUserInput(
          `productKey must be names of fields, such as "id", "id channel", "sku" or "sku:ID". ${JSON.stringify(part)} is none.`,
          ["productKey"],
        );
      }
      return { name, type: type ?? usualType(name, place) };
    });
  const [id, ...others] = fields;
  if (id === undefined || new Set(fields.map(({ name }) => name)).size < fields.length) {
    throw new BadUserInput("productKey names a field twice.", ["productKey"]);
  }
  return { id, others };
}

function usualType(name: string, place: number): string {
  if (name === "id") return "ID!";
  return place === 0 ? "String!" : "String";
}
