import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { float32Tensor, type GraphBuilder, type Value } from "../../../src/onnx/index.js";

/** Draws the weights of an architecture under the names that its exporter would give them. */
export interface SeededWeights {
  /** Uniform with deviation √(gain / inputs) (He et al. 2015); inputs are all axes but `outputAxis`. */
  matrix(name: string, shape: readonly number[], gain?: number, outputAxis?: number): Value;
  /** Uniform around `middle`. */
  vector(name: string, shape: readonly number[], middle?: number, reach?: number): Value;
}

export function seededWeights(g: GraphBuilder, seed: number): SeededWeights {
  const random = xoroshiro128plus(seed);
  const draw = (shape: readonly number[], middle: number, reach: number) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return float32Tensor(
      shape,
      Float32Array.from({ length }, () => middle + reach * (2 * uniformFloat64(random) - 1)),
    );
  };
  return {
    matrix(name, shape, gain = 2, outputAxis = 0) {
      const inputs = shape.reduce((product, size, axis) => (axis === outputAxis ? product : product * size), 1);
      return g.initialiser(name, draw(shape, 0, Math.sqrt((3 * gain) / inputs)));
    },
    vector(name, shape, middle = 0, reach = 0.1) {
      return g.initialiser(name, draw(shape, middle, reach));
    },
  };
}
