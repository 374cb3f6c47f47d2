import type { GraphBuilder, Value } from "../../onnx/index.js";
import type { OptimiserSpecification, ParameterGroup } from "./optimiser.type.js";

/** What a step of an optimiser depends on besides weights and gradients, one number each; fed as scalars. */
export type StepNumbers = Readonly<Record<string, number>>;

/** A weight and what is remembered of it, as values of a graph. */
export interface WeightValues {
  readonly weight: Value;
  readonly gradient: Value;
  readonly decays: boolean;
  /** In the order of `OptimiserMemory.arrays`. */
  readonly remembered: Readonly<Record<string, Value>>;
}

/** The weight and what is remembered of it after a step. */
export interface MovedValues {
  readonly weight: Value;
  readonly remembered: Readonly<Record<string, Value>>;
}

/**
 * One step of an optimiser for one weight, as nodes of a graph: the formulas of `adamw.ts` and `sgd.ts`, for devices
 * where weights had better stay.
 * @param numbers scalars by the names that `Optimiser.numbers` gives
 */
export function moveWeight(
  g: GraphBuilder,
  { name }: OptimiserSpecification,
  values: WeightValues,
  numbers: (name: string) => Value,
): MovedValues {
  const { weight, gradient, decays, remembered } = values;
  const past = (key: string) => {
    const value = remembered[key];
    if (value === undefined) throw new RangeError(`the optimiser remembers no "${key}"`);
    return value;
  };
  switch (name) {
    case "adamw": {
      const mix = (old: Value, now: Value, beta: Value) => g.add(g.mul(old, beta), g.mul(now, g.sub(1, beta)));
      const first = mix(past("first"), gradient, numbers("beta1"));
      const second = mix(past("second"), g.mul(gradient, gradient), numbers("beta2"));
      const root = g.add(g.mul(g.sqrt(second), numbers("scale")), numbers("epsilon"));
      const kept = decays ? g.mul(weight, numbers("kept")) : weight;
      return {
        weight: g.sub(kept, g.div(g.mul(first, numbers("reach")), root)),
        remembered: { first, second },
      };
    }
    case "sgd": {
      const slope = decays ? g.add(gradient, g.mul(weight, numbers("decay"))) : gradient;
      const velocity = g.add(g.mul(past("velocity"), numbers("momentum")), g.mul(slope, numbers("share")));
      return { weight: g.sub(weight, g.mul(velocity, numbers("rate"))), remembered: { velocity } };
    }
  }
}

/** Names of the scalars of a group in the graph. */
export function numberInput(group: ParameterGroup, name: string): string {
  return `optimiser/${group}/${name}`;
}
