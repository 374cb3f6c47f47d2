import type { Node, TensorType } from "./graph.type.js";
import { knownOutputs } from "./known-outputs.js";
import type { KnownValue } from "./known-value.js";
import { DynamicControlFlow, QuantisedGraph } from "./onnx.errors.js";
import { type KnownInput, OperatorCall } from "./operator-call.js";
import { shapeRules } from "./shape-rules/index.js";

/** What is known of one output before the graph runs. */
export interface KnownOutput {
  readonly type: TensorType;
  /** Small values that follow from constants and static shapes; `undefined` otherwise. */
  readonly value: KnownValue | undefined;
}

/** Operators whose outputs depend on which branch runs, or how often. */
const controlFlowOperators: ReadonlySet<string> = new Set(["If", "Loop", "Scan", "SequenceMap"]);

const quantisedOperators: ReadonlySet<string> = new Set([
  "ConvInteger",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
  "MatMulInteger",
  "QLinearConv",
  "QLinearMatMul",
  "QuantizeLinear",
]);

/** Whether shapes of the operator are known here, or it is refused for what it is. */
export function isKnownOperator({ domain, operator }: Node): boolean {
  if (controlFlowOperators.has(operator) || quantisedOperators.has(operator)) return true;
  return domain === "" && Object.hasOwn(shapeRules, operator);
}

/**
 * Types of a node's outputs, in order; one for each output that the node names.
 * @throws ShapeUnknown, DynamicControlFlow, QuantisedGraph
 */
export function inferNode(node: Node, opset: number, inputs: readonly (KnownInput | undefined)[]): KnownOutput[] {
  if (controlFlowOperators.has(node.operator)) throw new DynamicControlFlow(node.operator, node.name);
  if (quantisedOperators.has(node.operator)) throw new QuantisedGraph(node.operator, node.name);
  const call = new OperatorCall(node, opset, inputs);
  const rule = node.domain === "" ? shapeRules[node.operator] : undefined;
  if (rule === undefined) {
    const operator = node.domain === "" ? node.operator : `${node.domain}.${node.operator}`;
    return call.fail(
      `there is no shape rule for ${operator}; export with the standard operators, or add one in src/onnx/shape-rules`,
    );
  }
  const types = rule(call).slice(0, node.outputs.length);
  if (types.length < node.outputs.length) call.fail(`it names ${node.outputs.length} outputs, ${types.length} exist`);
  const values = knownOutputs(call, types);
  return types.map((type, position) => ({ type, value: values[position] }));
}
