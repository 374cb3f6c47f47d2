import type { Graph, TensorType } from "./graph.type.js";
import { inferValues } from "./infer-shapes.js";
import { GraphInvalid, OnnxFeatureUnsupported } from "./onnx.errors.js";
import { printType } from "./print-graph.js";
import { bytesPerElement, elementCount } from "./tensor.js";

/** Operator-set versions whose operators are known here. */
export const oldestOpset = 13;
export const newestOpset = 21;

/**
 * Proves that a graph keeps the rules of the format: every value made once and before it is read, constants of the
 * length of their shape, operator sets declared, types that fit and agree with what the graph declares.
 * @throws GraphInvalid, OnnxFeatureUnsupported, ShapeUnknown, DynamicControlFlow, QuantisedGraph
 */
export function checkGraph(graph: Graph): void {
  const invalid = (problem: string): never => {
    throw new GraphInvalid(graph.name, problem);
  };
  checkOpset(graph);
  const made = new Set<string>();
  const make = (name: string, maker: string) => {
    if (name === "") invalid(`${maker} has no name`);
    if (made.has(name)) invalid(`"${name}" is made twice, the second time by ${maker}`);
    made.add(name);
  };
  for (const { name } of graph.inputs) make(name, "an input");
  for (const [name, { elementType, shape, data }] of graph.initialisers) {
    make(name, "a constant");
    const expected = elementCount(shape) * bytesPerElement[elementType];
    if (data.byteLength !== expected) invalid(`the constant "${name}" has ${data.byteLength} bytes, not ${expected}`);
  }
  const everything = new Set([...made, ...graph.nodes.flatMap(({ outputs }) => outputs)]);
  for (const node of graph.nodes) {
    if (node.domain !== "" && !graph.otherOpsets.has(node.domain)) {
      invalid(`"${node.name}" is of the operator set "${node.domain}", whose version is not declared`);
    }
    for (const name of node.inputs) {
      if (name === "" || made.has(name)) continue;
      invalid(`"${node.name}" reads "${name}", which is made ${everything.has(name) ? "only later" : "nowhere"}`);
    }
    for (const name of node.outputs) if (name !== "") make(name, `the node "${node.name}"`);
  }
  if (graph.outputs.length === 0) invalid("it has no outputs");
  const { types } = inferValues(graph);
  for (const { name, type } of graph.outputs) {
    const inferred = types.get(name) ?? invalid(`its output "${name}" is made nowhere`);
    if (type !== undefined && !agrees(type, inferred)) {
      invalid(`its output "${name}" is declared ${printType(type)} and comes out as ${printType(inferred)}`);
    }
  }
}

function checkOpset({ opset }: Graph): void {
  if (opset >= oldestOpset && opset <= newestOpset) return;
  throw new OnnxFeatureUnsupported(
    `The graph uses version ${opset} of the ONNX operators; ${oldestOpset} to ${newestOpset} are known here. ` +
      "Export it again with such a version, or convert it (onnx.version_converter).",
  );
}

/** An open size agrees with any: files call the same axis by different names. */
function agrees(declared: TensorType, inferred: TensorType): boolean {
  if (declared.elementType !== inferred.elementType || declared.shape.length !== inferred.shape.length) return false;
  return declared.shape.every((size, axis) => {
    const other = inferred.shape[axis];
    return typeof size === "string" || typeof other === "string" || size === other;
  });
}
