/** Weights that follow one rate lie together in the flat array. */
export type ParameterGroup = "head" | "trunk";

/** A stretch of the flat array that is treated alike. */
export interface Segment {
  readonly from: number;
  /** First element behind it. */
  readonly to: number;
  readonly group: ParameterGroup;
  /** Weight decay holds matrices and filters small; biases, scales and shifts are left alone. */
  readonly decays: boolean;
}

export type OptimiserSpecification =
  | {
      readonly name: "sgd";
      readonly momentum?: number;
      readonly weightDecay?: number;
    }
  | {
      readonly name: "adamw";
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
      readonly weightDecay?: number;
    };

/** What an optimiser remembers between steps. Arrays are as long as the weights. */
export interface OptimiserMemory {
  /** Steps that moved the group. */
  readonly steps: Readonly<Record<ParameterGroup, number>>;
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

export interface Optimiser {
  /** Moves `weights` against `gradient`, in place. */
  step(weights: Float32Array, gradient: Float32Array, rates: Readonly<Record<ParameterGroup, number>>): void;
  /**
   * The numbers of the next step for one group, for `moveWeight`: with those of a group at rest nothing moves. The
   * step counts once `counted` is called.
   */
  numbers(group: ParameterGroup, rate: number): Readonly<Record<string, number>>;
  /** Says that a step was taken elsewhere, by `moveWeight`. */
  counted(rates: Readonly<Record<ParameterGroup, number>>): void;
  /** The arrays themselves, not copies. */
  memory(): OptimiserMemory;
  /** Copies from `memory`. @throws RangeError  for arrays of another name or length */
  restore(memory: OptimiserMemory): void;
}
