import { attribute, type GraphBuilder, type Value } from "../../onnx/index.js";
import type { GradientRule } from "../gradient-rule.type.js";
import { shapeOf } from "../rule-call.js";
import { isPointwise, type SpatialWindow, windowOf } from "./window.js";

/**
 * y = x ∗ w + b  ⇒  ∂x = ∂y ∗ᵀ w (the transposed convolution),  ∂w = x ∗ ∂y (samples as channels, strides and
 * dilations exchanged),  ∂b = Σ ∂y over samples and places.
 */
export const conv: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null, null];
  const [x, w] = [call.input(0), call.input(1)];
  const group = call.int("group", 1);
  const window = windowOf(call, shapeOf(w).slice(2));
  const spatial = window.kernel.map((_, axis) => axis + 2);
  const db = call.has(2) ? g.reduceSum(dy, [0, ...spatial], false) : null;
  if (group === 1 && isPointwise(window)) return [...pointwise(x, w, dy, g), db];
  return [inputGradient(w, dy, group, window, g), weightGradient(x, w, dy, group, window, g), db];
};

/** A 1 × 1 convolution is Y = W · X over flattened places: ∂X = Wᵀ · ∂Y,  ∂W = Σₙ ∂Yₙ · Xₙᵀ. */
function pointwise(x: Value, w: Value, dy: Value, g: GraphBuilder): [Value, Value] {
  const [samples = 1, channels = 1, ...places] = shapeOf(x);
  const filters = shapeOf(w)[0] ?? 1;
  const area = places.reduce((product, size) => product * size, 1);
  const matrix = g.reshape(w, [filters, channels]);
  const flatDy = g.reshape(dy, [samples, filters, area]);
  const flatX = g.reshape(x, [samples, channels, area]);
  const dx = g.reshape(g.matMul(g.transpose(matrix, [1, 0]), flatDy), shapeOf(x));
  const dw = g.reduceSum(g.matMul(flatDy, g.transpose(flatX, [0, 2, 1])), [0], false);
  return [dx, g.reshape(dw, shapeOf(w))];
}

function inputGradient(w: Value, dy: Value, group: number, window: SpatialWindow, g: GraphBuilder): Value {
  const { kernel, strides, dilations, padsBefore, padsAfter } = window;
  // Columns that the last stride never reached have no gradient: negative padding of ∂x, given as output padding.
  return g.node("ConvTranspose", [dy, w], {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(strides),
    dilations: attribute.ints(dilations),
    group: attribute.int(group),
    pads: attribute.ints([...padsBefore, ...padsAfter.map((pad) => Math.max(0, pad))]),
    output_padding: attribute.ints(padsAfter.map((pad) => Math.max(0, -pad))),
  });
}

function weightGradient(x: Value, w: Value, dy: Value, group: number, window: SpatialWindow, g: GraphBuilder): Value {
  const [samples = 1, channels = 1, ...places] = shapeOf(x);
  const [filters = 1, perGroup = 1, ...kernel] = shapeOf(w);
  const spatial = kernel.map((_, axis) => axis);
  // Images become [c / groups, groups · n, …]: each group of channels meets the gradients of its own filters.
  const images =
    group === 1
      ? g.transpose(x, [1, 0, ...spatial.map((axis) => axis + 2)])
      : g.reshape(
          g.transpose(g.reshape(x, [samples, group, channels / group, ...places]), [
            2,
            1,
            0,
            ...spatial.map((axis) => axis + 3),
          ]),
          [perGroup, group * samples, ...places],
        );
  const gradients = g.transpose(dy, [1, 0, ...spatial.map((axis) => axis + 2)]);
  const swapped = g.conv(images, gradients, undefined, {
    group,
    strides: window.dilations,
    dilations: window.strides,
    pads: [...window.padsBefore, ...window.padsAfter.map((pad) => Math.max(0, pad))],
  });
  // Columns that the last stride never reached would give taps beyond the kernel.
  const exact = g.slice(
    swapped,
    kernel.map(() => 0),
    kernel,
    spatial.map((axis) => axis + 2),
  );
  const turned = g.transpose(exact, [1, 0, ...spatial.map((axis) => axis + 2)]);
  return g.reshape(turned, [filters, perGroup, ...kernel]);
}
