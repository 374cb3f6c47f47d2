import type { GraphBuilder, Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { fromBlocks, toBlocks } from "./channel-blocks.js";

/**
 * The values of a graph while it is rebuilt, by their old names: as they were, with channels in blocks, or both.
 * Conversions are made once, when they are first asked for.
 */
export interface LoweredValues {
  readonly graph: GraphBuilder;
  readonly block: number;
  plain(name: string): Value;
  blocked(name: string): Value;
  isBlocked(name: string): boolean;
  setPlain(name: string, value: Value): void;
  /** `channels`: without the padding of the last block. */
  setBlocked(name: string, value: Value, channels: number): void;
  /** Sizes in plain form. */
  shape(name: string): number[];
}

export function lowerValues(graph: GraphBuilder, block: number): LoweredValues {
  const plain = new Map<string, Value>();
  const blocked = new Map<string, { value: Value; channels: number }>();
  const known = (name: string): Value => {
    const value = plain.get(name);
    if (value) return value;
    const source = blocked.get(name);
    if (!source) throw new Error(`lowering reads "${name}" before it is made`);
    const restored = fromBlocks(graph, source.value, source.channels);
    plain.set(name, restored);
    return restored;
  };
  return {
    graph,
    block,
    plain: known,
    blocked: (name) => {
      const value = blocked.get(name)?.value;
      if (value) return value;
      const source = known(name);
      const made = toBlocks(graph, source, block);
      blocked.set(name, { value: made, channels: shapeOf(source)[1] ?? 1 });
      return made;
    },
    isBlocked: (name) => blocked.has(name),
    setPlain: (name, value) => plain.set(name, value),
    setBlocked: (name, value, channels) => blocked.set(name, { value, channels }),
    shape: (name) => {
      const value = plain.get(name);
      if (value) return shapeOf(value);
      const source = blocked.get(name);
      if (!source) throw new Error(`lowering reads "${name}" before it is made`);
      return shapeOf(source.value).map((size, axis) => (axis === 1 ? source.channels : size));
    },
  };
}
