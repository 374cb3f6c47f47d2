import type { Dimension } from "./graph.type.js";

/** Thrown by the functions below; `OperatorCall` adds which node it was. */
export class DimensionsDisagree extends Error {}

/** NumPy broadcasting of any number of shapes. A named size stands against 1 and against itself. */
export function broadcast(...shapes: readonly (readonly Dimension[])[]): Dimension[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    let size: Dimension = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1 || own === size) continue;
      if (size !== 1) throw new DimensionsDisagree(`${printShape(shapes)} do not broadcast`);
      size = own;
    }
    return size;
  });
}

/** A product of sizes, numbers and names kept apart: batch·49 is { factor: 49, names: ["batch"] }. */
export interface Product {
  readonly factor: number;
  readonly names: readonly string[];
}

export function productOf(shape: readonly Dimension[]): Product {
  let factor = 1;
  const names: string[] = [];
  for (const part of shape.flatMap((size) => (typeof size === "number" ? [size] : factorsOf(size)))) {
    if (typeof part === "number") factor *= part;
    else names.push(part);
  }
  return { factor, names: names.sort() };
}

/** "batch*(h+1)*4" → "batch", "(h+1)", 4. What stands in brackets stays together. */
function factorsOf(name: string): Dimension[] {
  const parts = [""];
  let depth = 0;
  for (const letter of name) {
    depth += letter === "(" ? 1 : letter === ")" ? -1 : 0;
    if (letter === "*" && depth === 0) parts.push("");
    else parts.push(parts.pop() + letter);
  }
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** A product as one size. Several names make a name such as "batch*tokens*4". */
export function sizeOf({ factor, names }: Product): Dimension {
  if (names.length === 0 || factor === 0) return factor;
  return factor === 1 ? names.join("*") : [...names, factor].join("*");
}

/** total ÷ part, or undefined where it does not go without rest or names stay below. */
export function quotient(total: Product, part: Product): Dimension | undefined {
  const names = [...total.names];
  for (const name of part.names) {
    const position = names.indexOf(name);
    if (position < 0) return undefined;
    names.splice(position, 1);
  }
  if (part.factor === 0 || total.factor % part.factor !== 0) return undefined;
  return sizeOf({ factor: total.factor / part.factor, names });
}

/** A size computed from another: a number stays a number, a name gets the formula as its name. */
export function mapSize(size: Dimension, formula: (size: number) => number, describe: string): Dimension {
  return typeof size === "number" ? formula(size) : `${describe}(${size})`;
}

export function addSizes(left: Dimension, right: Dimension): Dimension {
  if (typeof left === "number" && typeof right === "number") return left + right;
  return `(${left}+${right})`;
}

/** Sizes of a shape that is static. @throws DimensionsDisagree  naming the open axis */
export function staticShape(shape: readonly Dimension[]): number[] {
  return shape.map((size) => {
    if (typeof size === "number") return size;
    throw new DimensionsDisagree(`the size "${size}" is open; bind it first (bindDimensions)`);
  });
}

export function isStatic(shape: readonly Dimension[]): shape is readonly number[] {
  return shape.every((size) => typeof size === "number");
}

export function printShape(shapes: readonly (readonly Dimension[])[]): string {
  return shapes.map((shape) => `[${shape.join(", ")}]`).join(" and ");
}
