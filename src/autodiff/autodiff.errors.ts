import { LookalikeError } from "../errors.js";

/** The loss depends on a trainable weight through something that has no gradient here. */
export class GraphNotTrainable extends LookalikeError {
  readonly code = "GRAPH_NOT_TRAINABLE";

  constructor(
    readonly operator: string,
    readonly node: string,
    /** Nodes from the trainable weight to the one that stops, in that order. */
    readonly path: readonly string[],
    readonly reason = `there is no gradient rule for ${operator}`,
  ) {
    super(
      `${operator} (node "${node}", reached by ${path.length === 0 ? "a trainable weight" : path.join(" → ")}) cannot be ` +
        `trained through: ${reason}. Choose a later cut, or add a rule: docs/training-engine.md#add-a-rule.`,
    );
  }
}

/** A rule gave a gradient of another shape than its value: a defect of the rule, never of the graph. */
export class GradientShapeWrong extends LookalikeError {
  readonly code = "GRADIENT_SHAPE_WRONG";

  constructor(
    operator: string,
    node: string,
    position: number,
    value: readonly unknown[],
    gradient: readonly unknown[],
  ) {
    super(
      `The gradient rule of ${operator} (node "${node}") gave [${gradient.join()}] for input ${position} of shape ` +
        `[${value.join()}]. This is a defect of the rule; please report it.`,
    );
  }
}
