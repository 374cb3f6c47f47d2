import type { GraphBuilder, Value } from "../onnx/index.js";
import type { RuleCall } from "./rule-call.js";

/**
 * The gradient of one operator: from the gradient of the loss to the operator's outputs, the gradients to its inputs,
 * in their order; `null` where none flows. A rule holds only mathematics. The walker adds up fan-out, undoes
 * broadcasting (a gradient may be larger than its value along broadcast axes) and checks shapes.
 */
export type GradientRule = (
  call: RuleCall,
  outputGradients: readonly Value[],
  graph: GraphBuilder,
) => readonly (Value | null)[];

/** Said on purpose: the gradient stops here, as at Shape or ArgMax. */
export const notDifferentiable = "not differentiable";
