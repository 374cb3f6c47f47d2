import { float32Tensor, type Graph, inferShapes, type Node } from "../onnx/index.js";
import { indexNodes, type NodeIndex } from "./lowering/node-index.js";

/** The version that knows Gelu as an operator. */
const KNOWN_SINCE = 20;

/**
 * GELU written with Erf, as exports before operator set 20 have it, as one node, so that its gradient is that of the
 * whole: fewer passes over memory than the gradients of its parts. `splitGelu` undoes it after differentiation; parts
 * that nobody reads any more are left for pruning.
 * @param graph types of all values known
 */
export function joinGelu(graph: Graph): Graph {
  const index = indexNodes(graph);
  const joined = new Map<Node, string>();
  for (const node of graph.nodes) {
    const found = node.operator === "Erf" ? geluAround(node, index) : undefined;
    if (found) joined.set(found.last, found.x);
  }
  if (joined.size === 0) return graph;
  const nodes = graph.nodes.map((node): Node => {
    const x = joined.get(node);
    return x === undefined ? node : { ...node, operator: "Gelu", inputs: [x], attributes: new Map() };
  });
  return { ...graph, nodes };
}

/** x · ½ (1 + erf(x / √2)) in the parts that the gradient computes as well, where the version has no Gelu. */
export function splitGelu(graph: Graph): Graph {
  const isUnknown = graph.opset < KNOWN_SINCE && graph.nodes.some(isExact);
  if (!isUnknown) return graph;
  const initialisers = new Map(graph.initialisers);
  const constant = (name: string, value: number) => {
    initialisers.set(name, float32Tensor([], [value]));
    return name;
  };
  const [root, one, half] = [
    constant("gelu/root of half", Math.SQRT1_2),
    constant("gelu/one", 1),
    constant("gelu/half", 0.5),
  ];
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!isExact(node)) return [node];
    const [x = ""] = node.inputs;
    const part = (name: string, operator: string, ...inputs: string[]): Node => {
      const value = `${node.outputs[0]}/${name}`;
      return { name: value, operator, domain: "", inputs, outputs: [value], attributes: new Map() };
    };
    const scaled = part("scaled", "Mul", x, root);
    const error = part("error", "Erf", ...scaled.outputs);
    const doubled = part("doubled", "Add", ...error.outputs, one);
    const share = part("share", "Mul", ...doubled.outputs, half);
    return [scaled, error, doubled, share, { ...node, operator: "Mul", inputs: [x, ...share.outputs] }];
  });
  return inferShapes({ ...graph, nodes, initialisers });
}

const isExact = (node: Node) => node.operator === "Gelu" && node.domain === "" && node.attributes.size === 0;

/** The node that ends x · ½ (1 + erf(x / √2)), in whichever order the factors come. */
function geluAround(error: Node, index: NodeIndex): { last: Node; x: string } | undefined {
  const scaled = index.maker(error.inputs[0] ?? "");
  const x = scaled?.inputs[0] ?? "";
  const factor = only(scaled?.inputs[1], index);
  const isRoot =
    (scaled?.operator === "Mul" && near(factor, Math.SQRT1_2)) ||
    (scaled?.operator === "Div" && near(factor, Math.SQRT2));
  if (!isRoot || index.type(x)?.elementType !== "float32") return undefined;
  const sum = soleReader(error, index);
  if (sum?.operator !== "Add" || !sum.inputs.some((name) => near(only(name, index), 1))) return undefined;
  // Both factors are still to come, x and ½: each as a factor of its own, or ½ x at once.
  let [node, times, halves]: [Node, number, number] = [sum, 0, 0];
  for (let steps = 0; steps < 2 && times + halves < 2; steps++) {
    const next = soleReader(node, index);
    if (next?.operator !== "Mul") return undefined;
    const other = next.inputs[next.inputs[0] === node.outputs[0] ? 1 : 0] ?? "";
    if (other === x) times++;
    else if (near(only(other, index), 0.5)) halves++;
    else if (isHalfOf(other, x, index)) [times, halves] = [times + 1, halves + 1];
    else return undefined;
    node = next;
  }
  const keepsShape = index.shape(node.outputs[0] ?? "")?.join() === index.shape(x)?.join();
  return times === 1 && halves === 1 && keepsShape ? { last: node, x } : undefined;
}

function isHalfOf(value: string, x: string, index: NodeIndex): boolean {
  const maker = index.maker(value);
  return (
    maker?.operator === "Mul" && maker.inputs.includes(x) && maker.inputs.some((name) => near(only(name, index), 0.5))
  );
}

function soleReader(node: Node, index: NodeIndex): Node | undefined {
  const [output = ""] = node.outputs;
  const [reader, ...others] = index.readers(output);
  return others.length === 0 && !index.isOutput(output) ? reader : undefined;
}

/** The number that a constant holds; a list of them may begin with ½ and go on otherwise. */
function only(name: string | undefined, index: NodeIndex): number | undefined {
  const numbers = index.numbers(name);
  return numbers?.length === 1 ? numbers[0] : undefined;
}

const near = (value: number | undefined, wanted: number) =>
  value !== undefined && Math.abs(Number(value) - wanted) < 1e-6;
