import { type Attribute, attribute, type GraphBuilder, type Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";

export const blockedDomain = "com.microsoft.nchwc";

export const blockedOperatorSet: readonly [domain: string, version: number] = [blockedDomain, 1];

/** A node of the runtime's internal operators; its one output is float32 of the shape given. */
export function blockedNode(
  g: GraphBuilder,
  operator: string,
  inputs: readonly (Value | undefined)[],
  settings: Readonly<Record<string, Attribute | undefined>>,
  shape: readonly number[],
): Value {
  return g.nodes(operator, inputs, settings, {
    name: `blocked${operator}`,
    domain: blockedDomain,
    outputTypes: [{ elementType: "float32", shape }],
  })[0] as Value;
}

export const alignedTo = (block: number, size: number) => Math.ceil(size / block) * block;

/** [N, C, H, W] → the same with channels in blocks, [N, C / block, H, W, block], whose type reads [N, C aligned, H, W]. */
export function toBlocks(g: GraphBuilder, image: Value, block: number): Value {
  const [n = 1, channels = 1, ...places] = shapeOf(image);
  // The kernel takes multiples of four only.
  const filled = channels % 4 === 0 ? image : padTo(g, image, 1, alignedTo(4, channels));
  return blockedNode(g, "ReorderInput", [filled], {}, [n, alignedTo(block, channels), ...places]);
}

export function fromBlocks(g: GraphBuilder, image: Value, channels: number): Value {
  const [n = 1, , ...places] = shapeOf(image);
  return blockedNode(g, "ReorderOutput", [image], { channels: attribute.int(channels) }, [n, channels, ...places]);
}

/** Zeros at the end of one axis. */
export function padTo(g: GraphBuilder, x: Value, axis: number, size: number): Value {
  const shape = shapeOf(x);
  if (shape[axis] === size) return x;
  const after = shape.map((length, position) => (position === axis ? size - length : 0));
  return g.pad(x, [...shape.map(() => 0), ...after]);
}

/** Cuts what `padTo` put there. */
export function cutTo(g: GraphBuilder, x: Value, axis: number, size: number): Value {
  return shapeOf(x)[axis] === size ? x : g.slice(x, [0], [size], [axis]);
}
