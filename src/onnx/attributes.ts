import type { Attribute, Tensor } from "./graph.type.js";

/** Shorthand for the attributes of a node. Settings that are `undefined` are left out. */
export const attribute = {
  int: (value: number): Attribute => ({ kind: "int", value }),
  /** Rounded to 32 bits, as the format stores it. */
  float: (value: number): Attribute => ({ kind: "float", value: Math.fround(value) }),
  text: (value: string): Attribute => ({ kind: "string", value }),
  ints: (value: readonly number[]): Attribute => ({ kind: "ints", value }),
  floats: (value: readonly number[]): Attribute => ({
    kind: "floats",
    value: value.map((number) => Math.fround(number)),
  }),
  tensor: (value: Tensor): Attribute => ({ kind: "tensor", value }),
  flag: (value: boolean): Attribute => ({ kind: "int", value: value ? 1 : 0 }),
};

/** A record of attributes without those that are `undefined`. */
export function attributes(
  settings: Readonly<Record<string, Attribute | undefined>>,
): Readonly<Record<string, Attribute>> {
  return Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, Attribute] => entry[1] !== undefined),
  );
}
