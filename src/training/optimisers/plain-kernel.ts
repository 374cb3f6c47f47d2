import type { VectorKernel } from "./vector-kernel.type.js";

/** The loops as they are defined, for arrays in any memory. Several times slower than the compiled ones. */
export const plainKernel: VectorKernel = {
  adamw({ weights, gradient, first, second }, from, to, { beta1, beta2, kept, reach, scale, epsilon }) {
    for (let index = from; index < to; index++) {
      const slope = gradient[index] as number;
      const m = beta1 * (first[index] as number) + (1 - beta1) * slope;
      const v = beta2 * (second[index] as number) + (1 - beta2) * slope * slope;
      first[index] = m;
      second[index] = v;
      weights[index] = kept * (weights[index] as number) - (reach * m) / (Math.sqrt(v) * scale + epsilon);
    }
  },
  sgd({ weights, gradient, velocity }, from, to, { rate, momentum, decay }) {
    for (let index = from; index < to; index++) {
      const weight = weights[index] as number;
      const move = momentum * (velocity[index] as number) + (gradient[index] as number) + decay * weight;
      velocity[index] = move;
      weights[index] = weight - rate * move;
    }
  },
  average(averages, weights, kept) {
    for (let index = 0; index < averages.length; index++) {
      averages[index] = kept * (averages[index] as number) + (1 - kept) * (weights[index] as number);
    }
  },
  scale(values, share) {
    for (let index = 0; index < values.length; index++) values[index] = (values[index] as number) * share;
  },
  squares(values) {
    let sum = 0;
    for (let index = 0; index < values.length; index++) sum += (values[index] as number) ** 2;
    return sum;
  },
};
