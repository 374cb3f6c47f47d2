import { type Graph, type Node, numbersOf, type TensorType } from "../../onnx/index.js";

/** Who makes and who reads each value of a graph, and what is known of it. */
export interface NodeIndex {
  maker(value: string): Node | undefined;
  readers(value: string): readonly Node[];
  /** Static sizes; undefined where the type is not known. */
  shape(value: string): readonly number[] | undefined;
  type(value: string): TensorType | undefined;
  /** Elements of an initialiser of whole numbers or floats. */
  numbers(value: string | undefined): readonly number[] | undefined;
  isOutput(value: string): boolean;
}

export function indexNodes(graph: Graph): NodeIndex {
  const makers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== "") makers.set(name, node);
    for (const name of new Set(node.inputs)) {
      if (name === "") continue;
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  }
  const types = new Map<string, TensorType>(graph.valueTypes);
  for (const { name, type } of [...graph.inputs, ...graph.outputs]) if (type) types.set(name, type);
  for (const [name, { elementType, shape }] of graph.initialisers) types.set(name, { elementType, shape });
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  return {
    maker: (value) => makers.get(value),
    readers: (value) => readers.get(value) ?? [],
    type: (value) => types.get(value),
    shape: (value) => {
      const shape = types.get(value)?.shape;
      return shape?.every((size) => typeof size === "number") ? (shape as readonly number[]) : undefined;
    },
    numbers: (value) => {
      const tensor = value === undefined ? undefined : graph.initialisers.get(value);
      return tensor && numbersOf(tensor);
    },
    isOutput: (value) => outputs.has(value),
  };
}

export function ints(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "ints" ? attribute.value : undefined;
}

export function int(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "int" ? attribute.value : fallback;
}

export function text(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "string" ? attribute.value : fallback;
}
