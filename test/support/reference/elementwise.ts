import { broadcastAt, broadcastShape, generate, type ReferenceArray } from "./array.js";

/** Abramowitz and Stegun 7.1.5, the Taylor series; good to 1e-12 for |x| < 5, beyond which erf is ±1 to 1e-12. */
export function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

type Attributes = Readonly<Record<string, number | string | readonly number[] | undefined>>;

const numeric = (attributes: Attributes, name: string, fallback: number): number =>
  typeof attributes[name] === "number" ? attributes[name] : fallback;

export const UNARY: Readonly<Record<string, (x: number, attributes: Attributes) => number>> = {
  Abs: Math.abs,
  Ceil: Math.ceil,
  Cos: Math.cos,
  Elu: (x, a) => (x > 0 ? x : numeric(a, "alpha", 1) * (Math.exp(x) - 1)),
  Erf: erf,
  Exp: Math.exp,
  Floor: Math.floor,
  Gelu: (x, a) =>
    a.approximate === "tanh"
      ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : 0.5 * x * (1 + erf(x / Math.SQRT2)),
  HardSigmoid: (x, a) => Math.max(0, Math.min(1, numeric(a, "alpha", 0.2) * x + numeric(a, "beta", 0.5))),
  HardSwish: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  Identity: (x) => x,
  LeakyRelu: (x, a) => (x > 0 ? x : numeric(a, "alpha", 0.01) * x),
  Log: Math.log,
  Neg: (x) => -x,
  Not: (x) => (x === 0 ? 1 : 0),
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(0, x),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Sign: Math.sign,
  Sin: Math.sin,
  Softplus: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0),
  Softsign: (x) => x / (1 + Math.abs(x)),
  Sqrt: Math.sqrt,
  Tanh: Math.tanh,
};

const truth = (condition: boolean): number => (condition ? 1 : 0);

export const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  And: (a, b) => truth(a !== 0 && b !== 0),
  Div: (a, b) => a / b,
  Equal: (a, b) => truth(a === b),
  Greater: (a, b) => truth(a > b),
  GreaterOrEqual: (a, b) => truth(a >= b),
  Less: (a, b) => truth(a < b),
  LessOrEqual: (a, b) => truth(a <= b),
  Max: Math.max,
  Min: Math.min,
  Mul: (a, b) => a * b,
  Or: (a, b) => truth(a !== 0 || b !== 0),
  Pow: (a, b) => a ** b,
  Sub: (a, b) => a - b,
};

/** Folds several arrays into one, element by element, with numpy's broadcasting. */
export function combine(
  inputs: readonly ReferenceArray[],
  combineTwo: (a: number, b: number) => number,
): ReferenceArray {
  const shape = broadcastShape(...inputs.map((input) => input.shape));
  return generate(shape, (index) =>
    inputs.map((input) => broadcastAt(input, index)).reduce((a, b) => combineTwo(a, b)),
  );
}

export function where(condition: ReferenceArray, yes: ReferenceArray, no: ReferenceArray): ReferenceArray {
  const shape = broadcastShape(condition.shape, yes.shape, no.shape);
  return generate(shape, (index) => broadcastAt(broadcastAt(condition, index) !== 0 ? yes : no, index));
}
