import { attribute, type GraphBuilder, type Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { alignedTo, blockedNode, padTo } from "./channel-blocks.js";

/*
 * Filters as the runtime's blocked kernels read them, and back. They are laid out inside the graph, because weights
 * arrive with every step. The runtime's own reordering nodes do it, with axes of a filter read as axes of an image: a
 * Transpose of five axes took 3.5 ns an element and 22 % of a step of ResNet-50's last stage.
 */

/** [O, I, h, w] → [O / b, I / b, h, w, b of I, b of O], padded with zeros; read as [O aligned, I aligned, h, w]. */
export function denseFilter(g: GraphBuilder, w: Value, block: number): Value {
  const filled = filledFilter(g, w, block);
  const [o = 1, i = 1, rows = 1, columns = 1] = shapeOf(filled);
  const taps = rows * columns;
  const laid = lastInBlocks(g, g.reshape(filled, [o / block, block, i * taps, 1]), block);
  if (taps === 1) return g.reshape(laid, [o, i, rows, columns]);
  const split = g.reshape(laid, [o / block, i / block, block, taps, block]);
  return g.reshape(g.transpose(split, [0, 1, 3, 2, 4]), [o, i, rows, columns]);
}

/** [O, I, h, w] → [O / b, I, h, w, b of O]: for images whose few channels stay plain, and for depthwise filters. */
export function fewChannelsFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs = 1, inputs = 1, rows = 1, columns = 1] = shapeOf(w);
  const o = alignedTo(block, outputs);
  const split = g.reshape(padTo(g, w, 0, o), [o / block, block, inputs * rows * columns, 1]);
  return g.reshape(lastInBlocks(g, split, block), [o, inputs, rows, columns]);
}

/** The filter of ∂x: inputs and outputs exchanged, turned by 180°: [I / b, O / b, h, w, b of O, b of I]. */
export function turnedDenseFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [, , rows = 1, columns = 1] = shapeOf(w);
  if (rows * columns > 1) return turnedTaps(g, exchangedFilter(g, w, block), w, block, range(rows), range(columns));
  const filled = filledFilter(g, w, block);
  const [o = 1, i = 1] = shapeOf(filled);
  const last = { channels_last: attribute.int(1) };
  const rowsOfInputs = g.reshape(filled, [1, o, 1, i]);
  return g.reshape(blockedNode(g, "ReorderInput", [rowsOfInputs], last, [1, i, o, 1]), [i, o, 1, 1]);
}

/** [O, I, h, w] → [I / b · O / b, h · w, b of O · b of I]: inputs and outputs exchanged, what `turnedTaps` picks from. */
export function exchangedFilter(g: GraphBuilder, w: Value, block: number): Value {
  const filled = filledFilter(g, w, block);
  const [o = 1, i = 1, rows = 1, columns = 1] = shapeOf(filled);
  const taps = rows * columns;
  const laid = blockedNode(g, "ReorderInput", [g.reshape(filled, [o, i, taps, 1])], {}, [o, i, taps, 1]);
  const split = g.reshape(laid, [o / block, block, i / block, taps, block]);
  return g.reshape(g.transpose(split, [2, 0, 3, 1, 4]), [(i * o) / (block * block), taps, block * block]);
}

/** The taps that lie in some rows and columns, in the order of a filter turned by 180°. */
export function turnedTaps(
  g: GraphBuilder,
  exchanged: Value,
  w: Value,
  block: number,
  rows: readonly number[],
  columns: readonly number[],
): Value {
  const [outputs = 1, inputs = 1, , width = 1] = shapeOf(w);
  const taps = rows.toReversed().flatMap((row) => columns.toReversed().map((column) => row * width + column));
  const picked = g.gather(exchanged, g.int64s(taps), 1);
  return g.reshape(picked, [alignedTo(block, inputs), alignedTo(block, outputs), rows.length, columns.length]);
}

function filledFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs = 1, inputs = 1] = shapeOf(w);
  return padTo(g, padTo(g, w, 0, alignedTo(block, outputs)), 1, alignedTo(block, inputs));
}

export function turnedDepthwiseFilter(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs = 1, , rows = 1, columns = 1] = shapeOf(w);
  const flat = g.reshape(w, [outputs, 1, rows * columns]);
  return fewChannelsFilter(g, g.reshape(g.gather(flat, backwards(g, rows * columns), 2), shapeOf(w)), block);
}

/** The order of taps turned by 180°. */
function backwards(g: GraphBuilder, taps: number): Value {
  return g.int64s(range(taps).reverse());
}

const range = (size: number) => Array.from({ length: size }, (_, at) => at);

/** [parts, b, places, 1] → [parts, places, b]. */
function lastInBlocks(g: GraphBuilder, x: Value, block: number): Value {
  const [parts = 1, , places = 1] = shapeOf(x);
  return blockedNode(g, "ReorderInput", [x], {}, [parts, block, places, 1]);
}

/** [O / b, rows, b] → [O, rows]: a weight's gradient as the model keeps it. */
export function rowsFromBlocks(g: GraphBuilder, product: Value, outputs: number): Value {
  const [parts = 1, rows = 1, block = 1] = shapeOf(product);
  const image = g.reshape(product, [1, parts * block, rows, 1]);
  const settings = { channels: attribute.int(outputs) };
  return blockedNode(g, "ReorderOutput", [image], settings, [1, outputs, rows, 1]);
}

/** [C / b, rows, b] → [rows, C]. */
export function columnsFromBlocks(g: GraphBuilder, product: Value, channels: number): Value {
  const [parts = 1, rows = 1, block = 1] = shapeOf(product);
  const image = g.reshape(product, [1, parts * block, rows, 1]);
  const settings = { channels: attribute.int(channels), channels_last: attribute.int(1) };
  return blockedNode(g, "ReorderOutput", [image], settings, [1, rows, 1, channels]);
}

/** [O] → [O aligned]. */
export function blockedBias(g: GraphBuilder, bias: Value, block: number): Value {
  return padTo(g, bias, 0, alignedTo(block, shapeOf(bias)[0] ?? 1));
}
