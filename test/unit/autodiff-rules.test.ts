import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { notDifferentiable } from "../../src/autodiff/gradient-rule.type.js";
import { gradientRules } from "../../src/autodiff/rules/index.js";
import { attribute, float32Tensor, type Value } from "../../src/onnx/index.js";
import { checkGradient, type GradientCheck } from "../support/check-gradient.js";
import { gradientSamples } from "../support/gradient-samples.js";

for (const [operator, cases] of Object.entries(gradientSamples)) {
  describe(`gradient of ${operator}`, () => {
    for (const [name, check] of Object.entries(cases)) {
      it(name, () => checkGradient(check as GradientCheck));
    }
  });
}

describe("the table of gradient rules", () => {
  it("has a sample for every rule", () => {
    const unchecked = Object.entries(gradientRules).filter(
      ([operator, rule]) => rule !== notDifferentiable && !gradientSamples[operator],
    );
    assert.deepEqual(
      unchecked.map(([operator]) => operator),
      [],
    );
  });

  it("is alphabetical", () => {
    const operators = Object.keys(gradientRules);
    assert.deepEqual(
      operators,
      operators.toSorted((a, b) => a.localeCompare(b, "en")),
    );
  });

  it("would not pass with a wrong rule", async () => {
    const wrong = { ...gradientRules, Mul: gradientRules.Add ?? notDifferentiable };
    await assert.rejects(
      checkGradient({ inputs: { a: [3], b: [3] }, build: ([a, b], g) => g.mul(a as Value, b as Value), rules: wrong }),
      /differs from central differences/,
    );
  });

  it("refuses an equation that broadcasts an index and sums it", async () => {
    await assert.rejects(
      checkGradient({
        inputs: { a: [2, 3, 1], b: [2, 2, 4] },
        build: (inputs, g) => g.node("Einsum", inputs, { equation: attribute.text("bij,bjk->bik") }),
      }),
      (error: Error & { code?: string }) =>
        error.code === "GRAPH_NOT_TRAINABLE" &&
        /the index "j" of "bij,bjk->bik" is broadcast and summed/.test(error.message),
    );
  });

  it("says where the gradient stops for want of a rule", async () => {
    const { Tanh: _, ...rest } = gradientRules;
    await assert.rejects(
      checkGradient({
        inputs: { x: [2] },
        build: ([x], g) => g.tanh(g.mul(x as Value, g.constant(float32Tensor([], [2]))), "squash"),
        rules: rest,
      }),
      (error: Error & { code?: string }) =>
        error.code === "GRAPH_NOT_TRAINABLE" && /Tanh \(node "squash", reached by Mul/.test(error.message),
    );
  });
});
