import { elementCount, float32Values, type Graph, type Node, type Tensor } from "../onnx/index.js";

/** Which inputs of an operator hold weights, and how a weight is told from a setting there. */
type WeightInputs = readonly number[] | "all but scalars";

/**
 * Statistics of BatchNormalization, bounds of Clip, exponents and epsilons are settings. What is subtracted or divided
 * by is not trained either: exports write so what they prepare pictures with, never a bias.
 */
const weightInputs: Readonly<Record<string, WeightInputs>> = {
  Add: "all but scalars",
  BatchNormalization: [1, 2],
  Concat: "all but scalars",
  Conv: [1, 2],
  Einsum: "all but scalars",
  Expand: [0],
  Gather: [0],
  Gemm: [0, 1, 2],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  Mul: "all but scalars",
  PRelu: [1],
};

/**
 * Names of the weights of a graph that training may change: float32 constants that stand where an operator takes
 * parameters, in the order in which they are read. Scalars, masks and what an image is prepared with are not.
 * @param untouchable names that something else reads too, such as the frozen part
 */
export function trainablesOf(graph: Graph, untouchable: ReadonlySet<string> = new Set()): string[] {
  const found = new Set<string>();
  const refused = new Set<string>();
  const pictures = picturesOf(graph);
  for (const node of graph.nodes) {
    for (const [position, name] of node.inputs.entries()) {
      const tensor = graph.initialisers.get(name);
      if (tensor === undefined || untouchable.has(name)) continue;
      (isWeight(node, position, tensor, pictures) ? found : refused).add(name);
    }
  }
  // A constant that is also a setting somewhere must not move.
  return [...found].filter((name) => !refused.has(name));
}

function isWeight(node: Node, position: number, tensor: Tensor, pictures: ReadonlySet<string>): boolean {
  if (tensor.elementType !== "float32" || node.domain !== "") return false;
  const positions = Object.hasOwn(weightInputs, node.operator) ? weightInputs[node.operator] : undefined;
  if (positions === undefined) return false;
  if (positions !== "all but scalars") return positions.includes(position);
  return elementCount(tensor.shape) > 1 && !isMask(tensor) && !node.inputs.some((name) => pictures.has(name));
}

/** Inputs that are pictures, and what arithmetic alone makes of them: exporters bake in mean and deviation. */
function picturesOf(graph: Graph): Set<string> {
  const pictures = new Set(graph.inputs.filter(({ type }) => isPicture(type.shape)).map(({ name }) => name));
  for (const { operator, inputs, outputs } of graph.nodes) {
    if (["Add", "Cast", "Div", "Mul", "Sub"].includes(operator) && inputs.some((name) => pictures.has(name))) {
      pictures.add(outputs[0] ?? "");
    }
  }
  return pictures;
}

function isPicture(shape: readonly unknown[]): boolean {
  return shape.length === 4 && (shape[1] === 3 || shape[3] === 3);
}

/** Zeros and one large negative number: what attention must not look at. */
function isMask(tensor: Tensor): boolean {
  let low = 0;
  for (const value of float32Values(tensor)) {
    if (value === 0 || value === low) continue;
    if (low !== 0 || value > -100) return false;
    low = value;
  }
  return low !== 0;
}
