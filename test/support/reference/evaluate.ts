import { type Attribute, type Graph, type Node, numbersOf } from "../../../src/onnx/index.js";
import {
  arrayOf,
  at,
  broadcastAt,
  broadcastShape,
  generate,
  normaliseAxis,
  type ReferenceArray,
  sizeOf,
} from "./array.js";
import { BINARY, combine, UNARY, where } from "./elementwise.js";
import { convolve, pool, type Window } from "./spatial.js";

/** Attributes as plain values; what an operator leaves out stays undefined. */
function plainAttributes(node: Node): Record<string, number | string | readonly number[] | undefined> {
  const plain = (attribute: Attribute) =>
    attribute.kind === "int" ||
    attribute.kind === "float" ||
    attribute.kind === "string" ||
    attribute.kind === "ints" ||
    attribute.kind === "floats"
      ? attribute.value
      : undefined;
  return Object.fromEntries([...node.attributes].map(([name, value]) => [name, plain(value)]));
}

class Call {
  readonly attributes: ReturnType<typeof plainAttributes>;
  constructor(
    readonly node: Node,
    private readonly inputs: readonly (ReferenceArray | undefined)[],
    readonly outputs: number,
  ) {
    this.attributes = plainAttributes(node);
  }
  x(position = 0): ReferenceArray {
    const input = this.inputs[position];
    if (!input) throw new Error(`${this.node.operator} lacks input ${position}`);
    return input;
  }
  optional(position: number): ReferenceArray | undefined {
    return this.inputs[position];
  }
  all(): ReferenceArray[] {
    return this.inputs.filter((input) => input !== undefined);
  }
  int(name: string, fallback: number): number {
    const value = this.attributes[name];
    return typeof value === "number" ? value : fallback;
  }
  ints(name: string): readonly number[] | undefined {
    const value = this.attributes[name];
    return Array.isArray(value) ? value : undefined;
  }
  list(position: number): number[] | undefined {
    const input = this.inputs[position];
    return input && [...input.values];
  }
}

type Evaluate = (call: Call) => ReferenceArray | ReferenceArray[];

function reduceWith(call: Call, fold: (values: number[]) => number): ReferenceArray {
  const x = call.x();
  const given = call.ints("axes") ?? call.list(1);
  if (!given?.length && call.int("noop_with_empty_axes", 0) === 1) return x;
  const axes = (given?.length ? given : x.shape.map((_, axis) => axis)).map((axis) =>
    normaliseAxis(axis, x.shape.length),
  );
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const reduced = generate(kept, (index) => {
    const values: number[] = [];
    generate(
      x.shape.map((size, axis) => (axes.includes(axis) ? size : 1)),
      (inner) => {
        values.push(
          at(
            x,
            index.map((position, axis) => position + (inner[axis] ?? 0)),
          ),
        );
        return 0;
      },
    );
    return fold(values);
  });
  const shape = call.int("keepdims", 1) === 1 ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  return { shape, values: reduced.values };
}

const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);

function alongAxis(x: ReferenceArray, axis: number, map: (line: number[]) => number[]): ReferenceArray {
  const result = new Map<string, number[]>();
  return generate(x.shape, (index) => {
    const key = index.map((position, place) => (place === axis ? 0 : position)).join();
    let line = result.get(key);
    if (!line) {
      line = map(
        Array.from({ length: x.shape[axis] ?? 0 }, (_, position) =>
          at(
            x,
            index.map((p, place) => (place === axis ? position : p)),
          ),
        ),
      );
      result.set(key, line);
    }
    return line[index[axis] ?? 0] ?? Number.NaN;
  });
}

function matMul(a: ReferenceArray, b: ReferenceArray): ReferenceArray {
  const left = a.shape.length === 1 ? { shape: [1, ...a.shape], values: a.values } : a;
  const right = b.shape.length === 1 ? { shape: [...b.shape, 1], values: b.values } : b;
  const batch = broadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const inner = left.shape.at(-1) ?? 0;
  const product = generate([...batch, left.shape.at(-2) ?? 1, right.shape.at(-1) ?? 1], (index) => {
    const [row = 0, column = 0] = index.slice(-2);
    const prefix = index.slice(0, -2);
    const pick = (array: ReferenceArray, i: number, j: number) => {
      const own = array.shape.slice(0, -2);
      const aligned = prefix
        .slice(prefix.length - own.length)
        .map((position, axis) => (own[axis] === 1 ? 0 : position));
      return at(array, [...aligned, i, j]);
    };
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += pick(left, row, k) * pick(right, k, column);
    return sum;
  });
  const shape = product.shape.filter(
    (_, axis) =>
      !(a.shape.length === 1 && axis === product.shape.length - 2) &&
      !(b.shape.length === 1 && axis === product.shape.length - 1),
  );
  return { shape, values: product.values };
}

function einsum(call: Call): ReferenceArray {
  const [left = "", output = ""] = String(call.attributes.equation).replaceAll(" ", "").split("->");
  const terms = left.split(",");
  const sizes = new Map<string, number>();
  for (const [position, term] of terms.entries())
    for (const [axis, letter] of [...term].entries()) sizes.set(letter, call.x(position).shape[axis] ?? 1);
  const summed = [...sizes.keys()].filter((letter) => !output.includes(letter));
  const shapeOf = (letters: readonly string[]) => letters.map((letter) => sizes.get(letter) ?? 1);
  return generate(shapeOf([...output]), (index) => {
    const bound = new Map([...output].map((letter, axis) => [letter, index[axis] ?? 0]));
    let sum = 0;
    generate(shapeOf(summed), (inner) => {
      for (const [axis, letter] of summed.entries()) bound.set(letter, inner[axis] ?? 0);
      sum += terms.reduce(
        (product, term, position) =>
          product *
          at(
            call.x(position),
            [...term].map((letter) => bound.get(letter) ?? 0),
          ),
        1,
      );
      return 0;
    });
    return sum;
  });
}

function windowOf(call: Call, kernel: readonly number[]): Window {
  const ones = kernel.map(() => 1);
  const strides = call.ints("strides") ?? ones;
  const dilations = call.ints("dilations") ?? ones;
  const autoPad = call.attributes.auto_pad;
  const pads = kernel.map((size, axis): [number, number] => {
    if (autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER") {
      const input = call.x().shape[axis + 2] ?? 0;
      const stride = strides[axis] ?? 1;
      const missing = Math.max(
        0,
        (Math.ceil(input / stride) - 1) * stride + (size - 1) * (dilations[axis] ?? 1) + 1 - input,
      );
      const smaller = Math.floor(missing / 2);
      return autoPad === "SAME_UPPER" ? [smaller, missing - smaller] : [missing - smaller, smaller];
    }
    const given = call.ints("pads");
    return [given?.[axis] ?? 0, given?.[axis + kernel.length] ?? 0];
  });
  return { kernel, strides, dilations, pads };
}

function slice(call: Call): ReferenceArray {
  const x = call.x();
  const starts = call.list(1) ?? [];
  const ends = call.list(2) ?? [];
  const axes = (call.list(3) ?? starts.map((_, axis) => axis)).map((axis) => normaliseAxis(axis, x.shape.length));
  const steps = call.list(4) ?? starts.map(() => 1);
  const positions = x.shape.map((size, axis) => {
    const which = axes.indexOf(axis);
    if (which < 0) return Array.from({ length: size }, (_, index) => index);
    const step = steps[which] ?? 1;
    const clamp = (value: number, low: number, high: number) =>
      Math.min(high, Math.max(low, value < 0 ? value + size : value));
    const start = clamp(starts[which] ?? 0, 0, step > 0 ? size : size - 1);
    const end = clamp(ends[which] ?? 0, step > 0 ? 0 : -1, size);
    const list: number[] = [];
    for (let at = start; step > 0 ? at < end : at > end; at += step) list.push(at);
    return list;
  });
  return generate(
    positions.map((list) => list.length),
    (index) =>
      at(
        x,
        index.map((position, axis) => positions[axis]?.[position] ?? 0),
      ),
  );
}

function splitAt(x: ReferenceArray, axis: number, parts: readonly number[]): ReferenceArray[] {
  let start = 0;
  return parts.map((length) => {
    const from = start;
    start += length;
    return generate(
      x.shape.map((size, place) => (place === axis ? length : size)),
      (index) =>
        at(
          x,
          index.map((position, place) => (place === axis ? position + from : position)),
        ),
    );
  });
}

function concat(inputs: readonly ReferenceArray[], axis: number): ReferenceArray {
  const first = inputs[0];
  if (!first) throw new Error("Concat of nothing");
  const place = normaliseAxis(axis, first.shape.length);
  const length = total(inputs.map((input) => input.shape[place] ?? 0));
  return generate(
    first.shape.map((size, a) => (a === place ? length : size)),
    (index) => {
      let position = index[place] ?? 0;
      for (const input of inputs) {
        const size = input.shape[place] ?? 0;
        if (position < size)
          return at(
            input,
            index.map((p, a) => (a === place ? position : p)),
          );
        position -= size;
      }
      return Number.NaN;
    },
  );
}

const EVALUATORS: Readonly<Record<string, Evaluate>> = {
  AveragePool: (call) =>
    pool(call.x(), "average", call.int("count_include_pad", 0) === 1, windowOf(call, call.ints("kernel_shape") ?? [])),
  BatchNormalization: (call) => {
    const [scale, shift, mean, variance] = [call.x(1), call.x(2), call.x(3), call.x(4)];
    return generate(call.x().shape, (index) => {
      const channel = [index[1] ?? 0];
      return (
        ((at(call.x(), index) - at(mean, channel)) / Math.sqrt(at(variance, channel) + call.int("epsilon", 1e-5))) *
          at(scale, channel) +
        at(shift, channel)
      );
    });
  },
  Cast: (call) => call.x(),
  Clip: (call) => {
    const low = call.list(1)?.[0] ?? Number.NEGATIVE_INFINITY;
    const high = call.list(2)?.[0] ?? Number.POSITIVE_INFINITY;
    return { shape: call.x().shape, values: call.x().values.map((x) => Math.min(high, Math.max(low, x))) };
  },
  Concat: (call) => concat(call.all(), call.int("axis", 0)),
  Conv: (call) =>
    convolve(call.x(), call.x(1), call.optional(2), call.int("group", 1), windowOf(call, call.x(1).shape.slice(2))),
  Einsum: einsum,
  Expand: (call) =>
    generate(broadcastShape(call.x().shape, call.list(1) ?? []), (index) => broadcastAt(call.x(), index)),
  Flatten: (call) => {
    const axis = normaliseAxis(call.int("axis", 1), call.x().shape.length);
    return {
      shape: [sizeOf(call.x().shape.slice(0, axis)), sizeOf(call.x().shape.slice(axis))],
      values: call.x().values,
    };
  },
  Gather: (call) => {
    const [x, indices] = [call.x(), call.x(1)];
    const axis = normaliseAxis(call.int("axis", 0), x.shape.length);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return generate(shape, (index) => {
      const wanted = at(indices, index.slice(axis, axis + indices.shape.length));
      const position = wanted < 0 ? wanted + (x.shape[axis] ?? 0) : wanted;
      return at(x, [...index.slice(0, axis), position, ...index.slice(axis + indices.shape.length)]);
    });
  },
  Gemm: (call) => {
    const turn = (array: ReferenceArray, flag: string) =>
      call.int(flag, 0) === 1 ? generate(array.shape.toReversed(), ([i = 0, j = 0]) => at(array, [j, i])) : array;
    const product = matMul(turn(call.x(), "transA"), turn(call.x(1), "transB"));
    const bias = call.optional(2);
    return generate(
      product.shape,
      (index) =>
        call.int("alpha", 1) * at(product, index) + (bias ? call.int("beta", 1) * broadcastAt(bias, index) : 0),
    );
  },
  GlobalAveragePool: (call) =>
    generate(
      call.x().shape.map((size, axis) => (axis < 2 ? size : 1)),
      (index) => {
        const values = splitPlaces(call.x(), index);
        return total(values) / values.length;
      },
    ),
  GlobalMaxPool: (call) =>
    generate(
      call.x().shape.map((size, axis) => (axis < 2 ? size : 1)),
      (index) => Math.max(...splitPlaces(call.x(), index)),
    ),
  LayerNormalization: (call) => {
    const x = call.x();
    const axis = normaliseAxis(call.int("axis", -1), x.shape.length);
    const inner = sizeOf(x.shape.slice(axis));
    const values = x.values.slice();
    for (let start = 0; start < values.length; start += inner) {
      const line = [...values.subarray(start, start + inner)];
      const mean = total(line) / inner;
      const deviation = Math.sqrt(total(line.map((value) => (value - mean) ** 2)) / inner + call.int("epsilon", 1e-5));
      for (let place = 0; place < inner; place++) {
        values[start + place] =
          (((line[place] ?? 0) - mean) / deviation) * (call.x(1).values[place] ?? 1) +
          (call.optional(2)?.values[place] ?? 0);
      }
    }
    return { shape: x.shape, values };
  },
  LogSoftmax: (call) =>
    alongAxis(call.x(), normaliseAxis(call.int("axis", -1), call.x().shape.length), (line) => {
      const largest = Math.max(...line);
      const norm = largest + Math.log(total(line.map((value) => Math.exp(value - largest))));
      return line.map((value) => value - norm);
    }),
  MatMul: (call) => matMul(call.x(), call.x(1)),
  MaxPool: (call) => pool(call.x(), "max", false, windowOf(call, call.ints("kernel_shape") ?? [])),
  Pad: (call) => {
    const x = call.x();
    const amounts = call.list(1) ?? [];
    const axes = (call.list(3) ?? x.shape.map((_, axis) => axis)).map((axis) => normaliseAxis(axis, x.shape.length));
    const before = x.shape.map((_, axis) => (axes.includes(axis) ? (amounts[axes.indexOf(axis)] ?? 0) : 0));
    const after = x.shape.map((_, axis) =>
      axes.includes(axis) ? (amounts[axes.indexOf(axis) + axes.length] ?? 0) : 0,
    );
    return generate(
      x.shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0)),
      (index) =>
        at(
          x,
          index.map((position, axis) => position - (before[axis] ?? 0)),
          call.list(2)?.[0] ?? 0,
        ),
    );
  },
  PRelu: (call) => combine([call.x(), call.x(1)], (x, slope) => (x > 0 ? x : slope * x)),
  ReduceL2: (call) => reduceWith(call, (values) => Math.sqrt(total(values.map((value) => value * value)))),
  ReduceLogSumExp: (call) => reduceWith(call, (values) => Math.log(total(values.map(Math.exp)))),
  ReduceMax: (call) => reduceWith(call, (values) => Math.max(...values)),
  ReduceMean: (call) => reduceWith(call, (values) => total(values) / values.length),
  ReduceMin: (call) => reduceWith(call, (values) => Math.min(...values)),
  ReduceSum: (call) => reduceWith(call, total),
  ReduceSumSquare: (call) => reduceWith(call, (values) => total(values.map((value) => value * value))),
  Reshape: (call) => {
    const wanted = (call.list(1) ?? []).map((size, axis) => (size === 0 ? (call.x().shape[axis] ?? 1) : size));
    const known = wanted.filter((size) => size > 0).reduce((product, size) => product * size, 1);
    return { shape: wanted.map((size) => (size < 0 ? call.x().values.length / known : size)), values: call.x().values };
  },
  Slice: slice,
  Softmax: (call) =>
    alongAxis(call.x(), normaliseAxis(call.int("axis", -1), call.x().shape.length), (line) => {
      const largest = Math.max(...line);
      const powers = line.map((value) => Math.exp(value - largest));
      return powers.map((power) => power / total(powers));
    }),
  Split: (call) => {
    const axis = normaliseAxis(call.int("axis", 0), call.x().shape.length);
    const parts =
      call.list(1) ?? Array.from({ length: call.outputs }, () => (call.x().shape[axis] ?? 0) / call.outputs);
    return splitAt(call.x(), axis, parts);
  },
  Squeeze: (call) => {
    const axes = call.list(1)?.map((axis) => normaliseAxis(axis, call.x().shape.length));
    return {
      shape: call.x().shape.filter((size, axis) => !(axes ? axes.includes(axis) : size === 1)),
      values: call.x().values,
    };
  },
  Sum: (call) => combine(call.all(), (a, b) => a + b),
  Transpose: (call) => {
    const rank = call.x().shape.length;
    const order = call.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
    return generate(
      order.map((axis) => call.x().shape[axis] ?? 1),
      (index) => {
        const source: number[] = [];
        for (const [place, axis] of order.entries()) source[axis] = index[place] ?? 0;
        return at(call.x(), source);
      },
    );
  },
  Unsqueeze: (call) => {
    const given = call.list(1) ?? [];
    const axes = given.map((axis) => normaliseAxis(axis, call.x().shape.length + given.length));
    const rest = [...call.x().shape];
    return {
      shape: Array.from({ length: rest.length + axes.length }, (_, axis) =>
        axes.includes(axis) ? 1 : (rest.shift() ?? 1),
      ),
      values: call.x().values,
    };
  },
  Where: (call) => where(call.x(), call.x(1), call.x(2)),
};

function splitPlaces(x: ReferenceArray, index: readonly number[]): number[] {
  const places = sizeOf(x.shape.slice(2));
  const start = ((index[0] ?? 0) * (x.shape[1] ?? 1) + (index[1] ?? 0)) * places;
  return [...x.values.subarray(start, start + places)];
}

/**
 * Runs an ONNX graph forwards in float64, each operator straight from its definition. Slow and small on purpose: it
 * shares nothing with the gradient rules or with ONNX Runtime, so that both can be judged by it.
 */
export function evaluateGraph(graph: Graph, feeds: ReadonlyMap<string, ReferenceArray>): Map<string, ReferenceArray> {
  const values = new Map<string, ReferenceArray>(feeds);
  for (const [name, tensor] of graph.initialisers) values.set(name, arrayOf(tensor.shape, numbersOf(tensor)));
  for (const node of graph.nodes) {
    const call = new Call(
      node,
      node.inputs.map((name) => (name === "" ? undefined : values.get(name))),
      node.outputs.length,
    );
    const unary = UNARY[node.operator];
    const binary = BINARY[node.operator];
    const evaluator = EVALUATORS[node.operator];
    let results: ReferenceArray[];
    if (unary) results = [{ shape: call.x().shape, values: call.x().values.map((x) => unary(x, call.attributes)) }];
    else if (binary) results = [combine(call.all(), binary)];
    else if (evaluator) results = [evaluator(call)].flat();
    else throw new Error(`the reference interpreter does not know ${node.operator}`);
    for (const [position, name] of node.outputs.entries()) {
      const result = results[position];
      if (result && name !== "") values.set(name, result);
    }
  }
  return values;
}
