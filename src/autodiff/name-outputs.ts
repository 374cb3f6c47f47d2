import { type Graph, GraphBuilder, inferShapes, pruneGraph } from "../onnx/index.js";

/**
 * The same graph with exactly these outputs, each value under the name that callers know it by. Values inside the graph
 * are renamed; one that is an input, a weight, or wanted under two names is passed on by an Identity.
 * @param wanted output name → name of the value
 */
export function nameOutputs(graph: Graph, wanted: ReadonlyMap<string, string>): Graph {
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const renamed = new Map<string, string>();
  const passedOn: [output: string, value: string][] = [];
  for (const [output, value] of wanted) {
    if (output === value) renamed.set(value, value);
    else if (made.has(value) && !renamed.has(value) && !wanted.has(value)) renamed.set(value, output);
    else passedOn.push([output, value]);
  }
  const nameOf = (name: string) => renamed.get(name) ?? name;
  const builder = GraphBuilder.from({
    ...graph,
    outputs: [],
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
    })),
    valueTypes: new Map([...graph.valueTypes].map(([name, type]) => [nameOf(name), type])),
  });
  const sources = new Map(passedOn);
  for (const [output, value] of wanted) {
    builder.output(builder.value(sources.has(output) ? nameOf(value) : output), output);
  }
  return inferShapes(pruneGraph(builder.graph()));
}
