import type { GraphBuilder, Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { cutTo } from "./channel-blocks.js";
import { columnsFromBlocks, rowsFromBlocks } from "./filter-layouts.js";
import type { ConvolutionGeometry } from "./gradient-form.type.js";
import { blockedConvolution } from "./lower-convolution.js";
import type { LoweredValues } from "./lowered-values.js";
import { alongPlaces, shifted } from "./places.js";

/**
 * ∂w of a dense convolution as matrix products A · B, where one factor is read from its channel blocks as they lie. A
 * block of [places, b] is a row-major matrix, so only the other factor is brought back to [channels, places]. Windows
 * wider than 1 × 1 take one product a tap, with strides one in all of the image unrolled into one row a tap.
 */
export function lowerDenseWeightGradient(
  values: LoweredValues,
  x: string,
  dy: string,
  geometry: ConvolutionGeometry,
): Value {
  const { graph: g, block } = values;
  const [, channels = 1] = values.shape(x);
  const [, filters = 1] = values.shape(dy);
  const { kernel, strides, padsBefore } = geometry;
  const [rows, columns] = kernel;
  const taps = rows * columns;
  const isPointwise = taps === 1 && [...padsBefore].every((pad) => pad === 0) && strides.every((step) => step === 1);
  if (isPointwise && channels > filters) {
    const product = productWithBlocks(g, values.plain(dy), values.blocked(x), block);
    return g.reshape(columnsFromBlocks(g, product, channels), [filters, channels, 1, 1]);
  }
  if (taps > 1 && strides.every((step) => step === 1) && channels >= block) {
    const product = productOfTaps(g, values.plain(x), values.blocked(dy), geometry, block);
    return g.reshape(rowsFromBlocks(g, product, filters), [filters, channels, rows, columns]);
  }
  const image = isPointwise ? values.plain(x) : unrolled(g, values.plain(x), values.shape(dy), geometry);
  const product = productWithBlocks(g, image, values.blocked(dy), block);
  return g.reshape(rowsFromBlocks(g, product, filters), [filters, channels, rows, columns]);
}

/** Factors of Σₙ A[n] · B[n], laid out for the product. */
interface Factors {
  /** Of A [N, rows, height, width]. */
  left(a: Value): Value;
  /** Of B [N, channels, height, width] in blocks. */
  right(b: Value): Value;
  /** [channels / block, rows, block]. */
  product(left: Value, right: Value): Value;
}

/**
 * Large maps: one product a photo, then their sum. Small maps, where those products would outweigh their factors:
 * photos joined along the places first.
 */
function factorsOf(g: GraphBuilder, n: number, rows: number, channels: number, area: number, block: number): Factors {
  const blocks = channels / block;
  if (rows * channels < area * (rows + channels)) {
    return {
      left: (a) => g.reshape(a, [n, 1, rows, area]),
      right: (b) => g.reshape(b, [n, blocks, area, block]),
      product: (left, right) => g.reduceSum(g.matMul(left, right), [0], false),
    };
  }
  return {
    left: (a) => g.reshape(g.transpose(g.reshape(a, [n, rows, area]), [1, 0, 2]), [rows, n * area]),
    right: (b) => g.reshape(g.transpose(g.reshape(b, [n, blocks, area * block]), [1, 0, 2]), [blocks, n * area, block]),
    product: (left, right) => g.matMul(left, right),
  };
}

function productWithBlocks(g: GraphBuilder, a: Value, b: Value, block: number): Value {
  const [n = 1, rows = 1, ...places] = shapeOf(a);
  const [, channels = 1] = shapeOf(b);
  const area = places.reduce((product, size) => product * size, 1);
  const factors = factorsOf(g, n, rows, channels, area, block);
  return factors.product(factors.left(a), factors.right(b));
}

/**
 * ∂w of a window without strides, one product a tap: columns of the image are moved for each column of the window, rows
 * of ∂y for each row, so that h + w copies stand for the h · w of im2col, and the middle ones are no copies at all.
 * Gives [O / b, C · taps, b].
 */
function productOfTaps(g: GraphBuilder, x: Value, dy: Value, geometry: ConvolutionGeometry, block: number): Value {
  const { kernel, dilations, padsBefore } = geometry;
  const [n = 1, channels = 1, rows = 1, columns = 1] = shapeOf(x);
  const [, filters = 1, height = 1, width = 1] = shapeOf(dy);
  const factors = factorsOf(g, n, channels, filters, rows * width, block);
  const images = Array.from({ length: kernel[1] }, (_, column) => {
    const shift = padsBefore[1] - column * dilations[1];
    const behind = width - columns - shift;
    return factors.left(shift === 0 && behind === 0 ? x : g.pad(x, [0, 0, 0, shift, 0, 0, 0, behind]));
  });
  const gradients = Array.from({ length: kernel[0] }, (_, row) => {
    const shift = row * dilations[0] - padsBefore[0];
    return factors.right(shift === 0 && rows === height ? dy : shifted(g, alongPlaces(g, dy, 0, block), shift, rows));
  });
  const taps = gradients.flatMap((gradient) =>
    images.map((image) => g.reshape(factors.product(image, gradient), [filters / block, channels, 1, block])),
  );
  return g.reshape(g.concat(taps, 2), [filters / block, channels * taps.length, block]);
}

/** im2col: [N, C, H, W] → [N, C · taps, rows of y, columns of y], the image seen through each tap of the window. */
function unrolled(
  g: GraphBuilder,
  x: Value,
  [n = 1, , height = 1, width = 1]: readonly number[],
  { kernel, strides, dilations, padsBefore }: ConvolutionGeometry,
): Value {
  const [, channels = 1, ...places] = shapeOf(x);
  const after = places.map((size, axis) => {
    const outputs = axis === 0 ? height : width;
    const reach = (outputs - 1) * (strides[axis] ?? 1) + ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    return reach - size - (padsBefore[axis] ?? 0);
  });
  const around = [0, 0, ...padsBefore, 0, 0, ...after];
  const padded = around.every((pad) => pad === 0) ? x : g.pad(x, around);
  const views = Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const at = [Math.floor(tap / kernel[1]) * dilations[0], (tap % kernel[1]) * dilations[1]] as const;
    const ends = [at[0] + (height - 1) * strides[0] + 1, at[1] + (width - 1) * strides[1] + 1];
    const view = g.slice(padded, at, ends, [2, 3], strides);
    return g.reshape(view, [n, channels, 1, height * width]);
  });
  const joined = views.length === 1 ? views[0] : g.concat(views, 2);
  return g.reshape(joined as Value, [n, views.length * channels, height, width]);
}

/**
 * ∂w of a depthwise convolution: every channel of every photo is an image of its own, its ∂y the filter. In blocks both
 * lie in memory as the kernel for group = N · C reads them, nothing is moved.
 */
export function lowerDepthwiseWeightGradient(
  values: LoweredValues,
  x: string,
  dy: string,
  { kernel, strides, dilations, padsBefore }: ConvolutionGeometry,
): Value {
  const { graph: g, block } = values;
  const channels = values.shape(x)[1] ?? 1;
  const image = values.blocked(x);
  const gradient = values.blocked(dy);
  const [n = 1, aligned = 1, rows = 1, columns = 1] = shapeOf(image);
  const [, , height = 1, width = 1] = shapeOf(gradient);
  const after = [rows, columns].map((size, axis) => {
    const outputs = axis === 0 ? height : width;
    const reach = (outputs - 1) * (strides[axis] ?? 1) + ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    return reach - size - (padsBefore[axis] ?? 0);
  });
  const [below = 0, right = 0] = after;
  const cut = below < 0 || right < 0 ? cropped(g, image, below, right, block) : image;
  const [, , cutRows = rows, cutColumns = columns] = shapeOf(cut);
  const images = g.reshape(cut, [1, n * aligned, cutRows, cutColumns]);
  const filters = g.reshape(gradient, [n * aligned, 1, height, width]);
  const taps = blockedConvolution(g, images, filters, undefined, {
    // Padded by the kernel: a Pad of its own made this 2 to 3 times slower.
    geometry: { kernel: [height, width], strides: dilations, dilations: strides, padsBefore },
    padsAfter: [Math.max(0, below), Math.max(0, right)],
    group: n * aligned,
  });
  const area = kernel[0] * kernel[1];
  const summed = g.reduceSum(g.reshape(taps, [n, aligned * area]), [0], false);
  const ordered = g.transpose(g.reshape(summed, [aligned / block, area, block]), [0, 2, 1]);
  return cutTo(g, g.reshape(ordered, [aligned, 1, ...kernel]), 0, channels);
}

/** Drops rows and columns that no window reaches (negative counts); a row is one axis, so that its blocks stay whole. */
function cropped(g: GraphBuilder, image: Value, below: number, right: number, block: number): Value {
  const [n = 1, channels = 1, rows = 1, columns = 1] = shapeOf(image);
  const [height, width] = [rows + Math.min(0, below), columns + Math.min(0, right)];
  const split = g.reshape(image, [(n * channels) / block, rows, columns * block]);
  return g.reshape(g.slice(split, [0, 0], [height, width * block], [1, 2]), [n, channels, height, width]);
}

/** ∂b = Σ ∂y: a product with ones over the places of each block (up to 1.5 × faster than ReduceSum), then over photos. */
export function lowerBiasGradient(values: LoweredValues, dy: string): Value {
  const { graph: g, block } = values;
  const channels = values.shape(dy)[1] ?? 1;
  const gradient = values.blocked(dy);
  const [n = 1, aligned = 1, rows = 1, columns = 1] = shapeOf(gradient);
  const places = rows * columns;
  const ones = g.floats([1, places], new Float32Array(places).fill(1));
  const perPhoto = g.matMul(ones, g.reshape(gradient, [(n * aligned) / block, places, block]));
  return cutTo(g, g.reduceSum(g.reshape(perPhoto, [n, aligned]), [0], false), 0, channels);
}
