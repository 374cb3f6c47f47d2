import type { Dimension } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import { axisSlices } from "../shape-rules/indexing.js";
import { elementCount } from "../tensor.js";
import { broadcastPosition, coordinatesOf, positionOf } from "./indices.js";
import type { StaticType, ValueRule } from "./value-rule.type.js";

/** Reshape, Squeeze, Unsqueeze, Flatten, Identity: other axes, same elements. */
export const sameElements: ValueRule = (call) => {
  const elements = call.knownElements(0);
  return elements && [elements];
};

export const concat: ValueRule = (call, [output]) => {
  const parts = call.node.inputs.map((_, position) => call.knownElements(position));
  if (output === undefined || !parts.every((part) => part !== undefined)) return undefined;
  const axis = call.axis(call.int("axis") ?? 0, output.shape.length);
  const shapes = parts.map((_, position) => call.staticShape(position));
  return moved(output, (coordinates) => {
    const at = [...coordinates];
    let input = 0;
    while ((at[axis] as number) >= sizeAt(shapes, input, axis)) {
      at[axis] = (at[axis] as number) - sizeAt(shapes, input, axis);
      input++;
    }
    return parts[input]?.[positionOf(at, shapes[input] as number[])] as Dimension;
  });
};

export const gather: ValueRule = (call, [output]) => {
  const elements = call.knownElements(0);
  const indices = call.knownNumbers(1);
  if (output === undefined || elements === undefined || indices === undefined) return undefined;
  const shape = call.staticShape(0);
  const indexShape = call.staticShape(1);
  const axis = call.axis(call.int("axis") ?? 0, shape.length);
  return moved(output, (coordinates) => {
    const chosen = indices[positionOf(coordinates.slice(axis, axis + indexShape.length), indexShape)] as number;
    const index = call.axis(chosen, shape[axis] as number);
    const source = [...coordinates.slice(0, axis), index, ...coordinates.slice(axis + indexShape.length)];
    return elements[positionOf(source, shape)] as Dimension;
  });
};

export const slice: ValueRule = (call, [output]) => {
  const slices = axisSlices(call);
  return fromFirst(call, output, (coordinates) => {
    const source = [...coordinates];
    for (const { axis, start, step } of slices) source[axis] = start + step * (coordinates[axis] as number);
    return source;
  });
};

export const split: ValueRule = (call, outputs) => {
  const axis = call.axis(call.int("axis") ?? 0, call.shape(0).length);
  let before = 0;
  const parts: (readonly Dimension[])[] = [];
  for (const output of outputs) {
    const start = before;
    const [part] =
      fromFirst(call, output, (coordinates) => coordinates.map((at, own) => (own === axis ? at + start : at))) ?? [];
    if (part === undefined) return undefined;
    parts.push(part);
    before += output.shape[axis] as number;
  }
  return parts;
};

export const transpose: ValueRule = (call, [output]) => {
  const rank = call.shape(0).length;
  const order = call.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return fromFirst(call, output, (coordinates) => {
    const source = Array<number>(rank);
    order.forEach((axis, position) => {
      source[axis] = coordinates[position] as number;
    });
    return source;
  });
};

export const expand: ValueRule = (call, [output]) => {
  const elements = call.knownElements(0);
  if (output === undefined || elements === undefined) return undefined;
  const shape = call.staticShape(0);
  return moved(output, (coordinates) => elements[broadcastPosition(coordinates, shape)] as Dimension);
};

/** Every element of the output comes from one place of the first input. */
function fromFirst(
  call: OperatorCall,
  output: StaticType | undefined,
  source: (coordinates: readonly number[]) => readonly number[],
): readonly (readonly Dimension[])[] | undefined {
  const elements = call.knownElements(0);
  if (output === undefined || elements === undefined) return undefined;
  const shape = call.staticShape(0);
  return moved(output, (coordinates) => elements[positionOf(source(coordinates), shape)] as Dimension);
}

function moved(output: StaticType, element: (coordinates: readonly number[]) => Dimension): [Dimension[]] {
  const length = elementCount(output.shape);
  return [Array.from({ length }, (_, position) => element(coordinatesOf(position, output.shape)))];
}

function sizeAt(shapes: readonly (readonly number[])[], input: number, axis: number): number {
  return shapes[input]?.[axis] as number;
}
