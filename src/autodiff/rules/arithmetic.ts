import type { GradientRule } from "../gradient-rule.type.js";
import { binary, indicator, unary } from "./rule-forms.js";

/** y = a + b  ⇒  ∂a = ∂y,  ∂b = ∂y. */
export const add = binary((_a, _b, _y, dy) => [dy, dy]);

/** y = a − b  ⇒  ∂a = ∂y,  ∂b = −∂y. */
export const sub = binary((_a, _b, _y, dy, g) => [dy, g.neg(dy)]);

/** y = a · b  ⇒  ∂a = ∂y · b,  ∂b = ∂y · a. */
export const mul = binary((a, b, _y, dy, g) => [g.mul(dy, b), g.mul(dy, a)]);

/** y = a / b  ⇒  ∂a = ∂y / b,  ∂b = −∂y · y / b. */
export const div = binary((_a, b, y, dy, g) => {
  const da = g.div(dy, b);
  return [da, g.neg(g.mul(da, y))];
});

/** y = aᵇ  ⇒  ∂a = ∂y · b · aᵇ⁻¹,  ∂b = ∂y · y · ln a. */
export const pow: GradientRule = (call, [dy], g) => {
  const [a, b] = [call.input(0), call.input(1)];
  if (!dy) return [null, null];
  const exponent = g.knownValue(b);
  // An integer exponent of another type, and a base below zero, are fine as long as only the base is trained.
  const power = b.type.elementType === a.type.elementType ? b : g.cast(b, a.type.elementType);
  const da = g.mul(g.mul(dy, power), g.pow(a, g.sub(power, 1)));
  return [da, exponent ? null : g.mul(g.mul(dy, call.output()), g.log(a))];
};

/** y = −x  ⇒  ∂x = −∂y. */
export const neg = unary((_x, _y, dy, g) => g.neg(dy));

/** y = |x|  ⇒  ∂x = ∂y · sign x. Sign is missing on WebGPU. */
export const abs = unary((x, _y, dy, g) =>
  g.mul(dy, g.sub(indicator(g, g.greater(x, 0), dy), indicator(g, g.less(x, 0), dy))),
);

/** y = √x  ⇒  ∂x = ∂y / 2y. */
export const sqrt = unary((_x, y, dy, g) => g.div(dy, g.mul(y, 2)));

/** y = 1/x  ⇒  ∂x = −∂y · y². */
export const reciprocal = unary((_x, y, dy, g) => g.neg(g.mul(dy, g.mul(y, y))));

/** y = eˣ  ⇒  ∂x = ∂y · y. */
export const exp = unary((_x, y, dy, g) => g.mul(dy, y));

/** y = ln x  ⇒  ∂x = ∂y / x. */
export const log = unary((x, _y, dy, g) => g.div(dy, x));

/** y = sin x  ⇒  ∂x = ∂y · cos x. */
export const sin = unary((x, _y, dy, g) => g.mul(dy, g.node("Cos", [x])));

/** y = cos x  ⇒  ∂x = −∂y · sin x. */
export const cos = unary((x, _y, dy, g) => g.neg(g.mul(dy, g.node("Sin", [x]))));

/** y = x₁ + x₂ + …  ⇒  ∂xᵢ = ∂y. */
export const sum: GradientRule = (call, [dy]) => Array.from({ length: call.inputCount }, () => dy ?? null);

/** y = max(x₁, …)  ⇒  ∂xᵢ = ∂y where xᵢ is the first that equals y. Min likewise. */
export const extreme: GradientRule = (call, [dy], g) => {
  if (!dy) return [];
  let open = g.add(g.mul(dy, 0), 1);
  return Array.from({ length: call.inputCount }, (_, position) => {
    const chosen = g.mul(open, indicator(g, g.equal(call.input(position), call.output()), dy));
    open = g.sub(open, chosen);
    return g.mul(dy, chosen);
  });
};

/** y = c ? a : b  ⇒  ∂a = c ? ∂y : 0,  ∂b = c ? 0 : ∂y. */
export const where: GradientRule = (call, [dy], g) =>
  dy ? [null, g.where(call.input(0), dy, 0), g.where(call.input(0), 0, dy)] : [null, null, null];

/** Between floating-point types the gradient is cast back; it does not flow through integers. */
export const cast: GradientRule = (call, [dy], g) => {
  const from = call.input(0).type.elementType;
  return [dy && /^b?float/.test(from) ? g.cast(dy, from) : null];
};
