import type { GraphBuilder, Value } from "../../onnx/index.js";
import type { GradientRule } from "../gradient-rule.type.js";
import { shapeOf } from "../rule-call.js";

function transposeLast(g: GraphBuilder, value: Value): Value {
  const rank = shapeOf(value).length;
  const order = Array.from({ length: rank }, (_, axis) => axis);
  return g.transpose(value, [...order.slice(0, -2), rank - 1, rank - 2]);
}

/** y = a · b, batched  ⇒  ∂a = ∂y · bᵀ,  ∂b = aᵀ · ∂y. */
export const matMul: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null];
  const [a, b] = [call.input(0), call.input(1)];
  const [shapeA, shapeB] = [shapeOf(a), shapeOf(b)];
  // A vector is a matrix of one row (left) or one column (right).
  const rows = shapeA.length === 1 ? g.unsqueeze(a, [0]) : a;
  const columns = shapeB.length === 1 ? g.unsqueeze(b, [1]) : b;
  let gradient = dy;
  if (shapeB.length === 1) gradient = g.unsqueeze(gradient, [-1]);
  if (shapeA.length === 1) gradient = g.unsqueeze(gradient, [-2]);
  const da = g.matMul(gradient, transposeLast(g, columns));
  let db: Value;
  if (shapeB.length <= 2 && shapeA.length > 2) {
    // One long product instead of a batch of them that would be summed: a weight is the same for every sample.
    const inner = shapeA.at(-1) ?? 1;
    const outer = shapeOf(gradient).at(-1) ?? 1;
    db = g.matMul(g.transpose(g.reshape(a, [-1, inner]), [1, 0]), g.reshape(gradient, [-1, outer]));
  } else {
    db = g.matMul(transposeLast(g, rows), gradient);
  }
  return [shapeA.length === 1 ? g.squeeze(da, [-2]) : da, shapeB.length === 1 ? g.squeeze(db, [-1]) : db];
};

/** y = α · a′ · b′ + β · c  ⇒  ∂a′ = α · ∂y · b′ᵀ,  ∂b′ = α · a′ᵀ · ∂y,  ∂c = β · ∂y; a′ is a or aᵀ. */
export const gemm: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null, null];
  const [a, b] = [call.input(0), call.input(1)];
  const alpha = call.float("alpha", 1);
  const beta = call.float("beta", 1);
  const transA = call.int("transA", 0) === 1;
  const transB = call.int("transB", 0) === 1;
  const scaled = alpha === 1 ? dy : g.mul(dy, alpha);
  const da = transA
    ? g.gemm(b, scaled, undefined, { transA: transB, transB: true })
    : g.gemm(scaled, b, undefined, { transB: !transB });
  const db = transB
    ? g.gemm(scaled, a, undefined, { transA: true, transB: transA })
    : g.gemm(a, scaled, undefined, { transA: !transA });
  return [da, db, call.has(2) ? (beta === 1 ? dy : g.mul(dy, beta)) : null];
};

/** y = einsum("A,B→Y", a, b)  ⇒  ∂a = einsum("Y,B→A", ∂y, b), where every index of A stands in Y or B. */
export const einsum: GradientRule = (call, [dy], g) => {
  if (!dy) return [];
  const equation = call.text("equation", "").replaceAll(" ", "");
  const [left = "", output] = equation.split("->");
  const terms = left.split(",");
  if (output === undefined || equation.includes(".") || terms.some((term) => new Set(term).size !== term.length)) {
    call.refuse(`the equation "${equation}" is not of the simple form "ij,jk->ik"`);
  }
  const sizes = new Map<string, number>();
  for (const [position, term] of terms.entries()) {
    for (const [axis, index] of [...term].entries()) {
      const size = shapeOf(call.input(position))[axis] ?? 1;
      if (!output?.includes(index) && (sizes.get(index) ?? size) !== size)
        call.refuse(`the index "${index}" of "${equation}" is broadcast and summed`);
      sizes.set(index, size);
    }
  }
  return terms.map((term, position) => {
    const others = terms.filter((_, other) => other !== position);
    const reachable = new Set([output, ...others].join(""));
    if ([...term].some((index) => !reachable.has(index))) {
      call.refuse(`an index of "${term}" is summed alone in "${equation}"`);
    }
    const operands = [dy, ...others.map((_, other) => call.input(other < position ? other : other + 1))];
    return g.node("Einsum", operands, {
      equation: { kind: "string", value: `${[output, ...others].join(",")}->${term}` },
    });
  });
};
