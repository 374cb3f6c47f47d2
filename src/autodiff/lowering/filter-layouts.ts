import type { GraphBuilder, Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { alignedTo, padTo } from "./channel-blocks.js";

/*
 * Filters as the runtime's blocked kernels read them. They are laid out inside the graph, because weights arrive with
 * every step: measured 1 % of a step, and the trainer keeps one flat array in the model's own order.
 */

/** [O, I, h, w] → [O / b, I / b, h, w, b of I, b of O], padded with zeros; read as [O aligned, I aligned, h, w]. */
export function denseFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs = 1, inputs = 1, rows = 1, columns = 1] = shapeOf(w);
  const [o, i] = [alignedTo(block, outputs), alignedTo(block, inputs)];
  const filled = padTo(g, padTo(g, w, 0, o), 1, i);
  const split = g.reshape(filled, [o / block, block, i / block, block, rows * columns]);
  return g.reshape(g.transpose(split, [0, 2, 4, 3, 1]), [o, i, rows, columns]);
}

/** [O, I, h, w] → [O / b, I, h, w, b of O]: for images whose few channels stay plain, and for depthwise filters. */
export function fewChannelsFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs = 1, inputs = 1, rows = 1, columns = 1] = shapeOf(w);
  const o = alignedTo(block, outputs);
  const split = g.reshape(padTo(g, w, 0, o), [o / block, block, inputs * rows * columns]);
  return g.reshape(g.transpose(split, [0, 2, 1]), [o, inputs, rows, columns]);
}

/** The filter of ∂x: inputs and outputs exchanged, turned by 180°. */
export function turnedDenseFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs = 1, inputs = 1, rows = 1, columns = 1] = shapeOf(w);
  const [o, i] = [alignedTo(block, outputs), alignedTo(block, inputs)];
  const filled = padTo(g, padTo(g, turned(g, w), 0, o), 1, i);
  const split = g.reshape(filled, [o / block, block, i / block, block, rows * columns]);
  return g.reshape(g.transpose(split, [2, 0, 4, 1, 3]), [i, o, rows, columns]);
}

export function turnedDepthwiseFilter(g: GraphBuilder, w: Value, block: number): Value {
  return fewChannelsFilter(g, turned(g, w), block);
}

function turned(g: GraphBuilder, w: Value): Value {
  const [, , rows = 1, columns = 1] = shapeOf(w);
  const taps = rows * columns;
  if (taps === 1) return w;
  const flat = g.reshape(w, [...shapeOf(w).slice(0, 2), taps]);
  const order = g.int64s(Array.from({ length: taps }, (_, tap) => taps - 1 - tap));
  return g.reshape(g.gather(flat, order, 2), shapeOf(w));
}

/** [O] → [O aligned]. */
export function blockedBias(g: GraphBuilder, bias: Value, block: number): Value {
  return padTo(g, bias, 0, alignedTo(block, shapeOf(bias)[0] ?? 1));
}
