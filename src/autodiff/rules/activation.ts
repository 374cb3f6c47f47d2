import type { GradientRule } from "../gradient-rule.type.js";
import { indicator, unary } from "./rule-forms.js";

/** y = max(0, x)  ⇒  ∂x = ∂y · [y > 0]. The mask is taken of y, so that x need not be kept. */
export const relu = unary((_x, y, dy, g) => g.mul(dy, indicator(g, g.greater(y, 0), dy)));

/** y = min(max(x, l), h)  ⇒  ∂x = ∂y · [l < y < h]. */
export const clip: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const y = call.output();
  const bound = (position: number, attribute: string) =>
    call.optionalNumbers(position)?.[0] ?? (call.node.attributes.has(attribute) ? call.float(attribute, 0) : undefined);
  const low = bound(1, "min");
  const high = bound(2, "max");
  const above = low === undefined ? undefined : g.greater(y, low);
  const below = high === undefined ? undefined : g.less(y, high);
  const inside = above && below ? g.and(above, below) : (above ?? below);
  return [inside ? g.mul(dy, indicator(g, inside, dy)) : dy];
};

/** y = x > 0 ? x : αx  ⇒  ∂x = ∂y · (x > 0 ? 1 : α). */
export const leakyRelu: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  return [g.where(g.greater(call.input(0), 0), dy, g.mul(dy, call.float("alpha", 0.01)))];
};

/** y = x > 0 ? x : sx  ⇒  ∂x = ∂y · (x > 0 ? 1 : s),  ∂s = ∂y · (x > 0 ? 0 : x). */
export const prelu: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null];
  const positive = g.greater(call.input(0), 0);
  return [g.where(positive, dy, g.mul(dy, call.input(1))), g.where(positive, 0, g.mul(dy, call.input(0)))];
};

/** y = x > 0 ? x : α(eˣ − 1)  ⇒  ∂x = ∂y · (x > 0 ? 1 : y + α). */
export const elu: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const below = g.mul(dy, g.add(call.output(), call.float("alpha", 1)));
  return [g.where(g.greater(call.input(0), 0), dy, below)];
};

/** y = ln(1 + eˣ)  ⇒  ∂x = ∂y · σ(x). */
export const softplus = unary((x, _y, dy, g) => g.mul(dy, g.sigmoid(x)));

/** y = x / (1 + |x|)  ⇒  ∂x = ∂y / (1 + |x|)². */
export const softsign = unary((x, _y, dy, g) => {
  const size = g.add(g.abs(x), 1);
  return g.div(dy, g.mul(size, size));
});

/** y = σ(x)  ⇒  ∂x = ∂y · y (1 − y). */
export const sigmoid = unary((_x, y, dy, g) => g.mul(dy, g.mul(y, g.sub(1, y))));

/** y = tanh x  ⇒  ∂x = ∂y · (1 − y²). */
export const tanh = unary((_x, y, dy, g) => g.mul(dy, g.sub(1, g.mul(y, y))));

/** y = erf x  ⇒  ∂x = ∂y · 2/√π · e^(−x²). */
export const erf = unary((x, _y, dy, g) => g.mul(dy, g.mul(g.exp(g.neg(g.mul(x, x))), 2 / Math.sqrt(Math.PI))));

/** y = clip(αx + β, 0, 1)  ⇒  ∂x = ∂y · α · [0 < y < 1]. */
export const hardSigmoid: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const inside = g.and(g.greater(call.output(), 0), g.less(call.output(), 1));
  return [g.mul(g.mul(dy, call.float("alpha", 0.2)), indicator(g, inside, dy))];
};

/** y = x · clip(x/6 + ½, 0, 1)  ⇒  ∂x = ∂y · (x ≤ −3 ? 0 : x ≥ 3 ? 1 : x/3 + ½). */
export const hardSwish = unary((x, _y, dy, g) => {
  const slope = g.where(g.less(x, 3), g.add(g.div(x, 3), 0.5), 1);
  return g.mul(dy, g.where(g.greater(x, -3), slope, 0));
});

/**
 * y = x · Φ(x)  ⇒  ∂x = ∂y · (Φ(x) + x · φ(x)).
 * With approximate = "tanh": u = √(2/π) (x + .044715 x³), t = tanh u, ∂x = ∂y · ½ (1 + t + x (1 − t²) u′).
 */
export const gelu: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const x = call.input(0);
  if (call.text("approximate", "none") === "tanh") {
    const scale = Math.sqrt(2 / Math.PI);
    const square = g.mul(x, x);
    const t = g.tanh(g.mul(g.mul(x, g.add(g.mul(square, 0.044715), 1)), scale));
    const inner = g.mul(g.add(g.mul(square, 3 * 0.044715), 1), scale);
    const slope = g.add(g.add(t, 1), g.mul(g.mul(x, g.sub(1, g.mul(t, t))), inner));
    return [g.mul(dy, g.mul(slope, 0.5))];
  }
  // With u = x / √2, which the forward form has as well: x · φ(x) = u · e^(−u²) / √π.
  const u = g.mul(x, Math.SQRT1_2);
  const cumulative = g.mul(g.add(g.erf(u), 1), 0.5);
  const density = g.mul(g.mul(u, g.exp(g.neg(g.mul(u, u)))), 1 / Math.sqrt(Math.PI));
  return [g.mul(dy, g.add(cumulative, density))];
};
