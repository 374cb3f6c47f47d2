import type { Attribute, Graph, Node, Tensor, TensorType } from "./graph.type.js";
import { elementCount, numbersOf } from "./tensor.js";

/** A graph as text: one line an input, a constant, a node and an output. For people, not for reading back. */
export function printGraph(graph: Graph): string {
  const domains = [...graph.otherOpsets].map(([domain, version]) => `, ${domain} ${version}`).join("");
  return [
    `graph ${graph.name} (opset ${graph.opset}${domains})`,
    ...graph.inputs.map(({ name, type }) => `  input  ${name}: ${printType(type)}`),
    ...[...graph.initialisers].map(([name, tensor]) => `  weight ${name}: ${printTensor(tensor)}`),
    ...graph.nodes.map((node) => `  ${printNode(node, graph)}`),
    ...graph.outputs.map(({ name, type }) => `  output ${name}: ${type ? printType(type) : "?"}`),
    "",
  ].join("\n");
}

/** float32[batch, 3, 224, 224] */
export function printType({ elementType, shape }: TensorType): string {
  return `${elementType}[${shape.join(", ")}]`;
}

function printNode(node: Node, graph: Graph): string {
  const results = node.outputs.map((name) => {
    const type = graph.valueTypes.get(name) ?? graph.outputs.find((output) => output.name === name)?.type;
    return type === undefined ? name : `${name}: ${printType(type)}`;
  });
  const settings = [...node.attributes].map(([name, value]) => ` ${name}=${printAttribute(value)}`).join("");
  const operator = node.domain === "" ? node.operator : `${node.domain}.${node.operator}`;
  const inputs = node.inputs.map((name) => (name === "" ? "–" : name));
  return `${results.join(", ")} = ${operator}(${inputs.join(", ")})${settings}`;
}

function printAttribute(attribute: Attribute): string {
  switch (attribute.kind) {
    case "int":
    case "float":
      return String(attribute.value);
    case "string":
      return JSON.stringify(attribute.value);
    case "ints":
    case "floats":
      return `[${attribute.value.join(", ")}]`;
    case "strings":
      return JSON.stringify(attribute.value);
    case "tensor":
      return printTensor(attribute.value);
    case "graph":
      return `<graph ${attribute.value.name}>`;
  }
}

/** Short constants with their numbers, long ones without. */
function printTensor(tensor: Tensor): string {
  const type = printType(tensor);
  return elementCount(tensor.shape) > 8 ? type : `${type} = ${numbersOf(tensor).join(", ")}`;
}
