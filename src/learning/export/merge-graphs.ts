import { createHash } from "node:crypto";
import type { Attribute, Graph, Node, Tensor } from "../../onnx/index.js";
import { freeName, namesOf } from "./embedding-model.js";
import { ModelsUnfit } from "./export.errors.js";

export interface MergedGraphs {
  /** All that both compute; outputs are those of the first. */
  readonly graph: Graph;
  /** Names in `graph` of the second one's values. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Two graphs over one input as one: equal weights are kept once, and nodes that compute the same from the same run
 * once. Equality is by content, so that a trunk is shared up to the first weight that training moved.
 * @param fed value of the first that the second reads as its input; the input of the first when absent
 * @throws ModelsUnfit when they do not take the same photos
 */
export function mergeGraphs(first: Graph, second: Graph, fed?: string): MergedGraphs {
  if (fed === undefined) requireSameInput(first, second);
  const taken = namesOf(first);
  const take = (wanted: string) => {
    const name = freeName(wanted, taken);
    taken.add(name);
    return name;
  };
  const initialisers = new Map(first.initialisers);
  const byContent = new Map<string, string>();
  /** Of values of the first graph that are the same, the first stands for all. */
  const standIn = new Map<string, string>();
  for (const [name, tensor] of first.initialisers) {
    const content = contentOf(tensor);
    const known = byContent.get(content);
    if (known === undefined) byContent.set(content, name);
    standIn.set(name, known ?? name);
  }
  const byComputation = new Map<string, Node>();
  for (const node of first.nodes) {
    const key = computationOf(
      node,
      node.inputs.map((name) => standIn.get(name) ?? name),
    );
    if (key === undefined) continue;
    const same = byComputation.get(key);
    if (same === undefined) byComputation.set(key, node);
    else for (const [place, name] of node.outputs.entries()) standIn.set(name, same.outputs[place] ?? name);
  }

  const names = new Map<string, string>([["", ""]]);
  second.inputs.forEach(({ name }, index) => {
    names.set(name, fed ?? first.inputs[index]?.name ?? name);
  });
  for (const [name, tensor] of second.initialisers) {
    const known = byContent.get(contentOf(tensor));
    const own = known ?? take(name);
    if (known === undefined) initialisers.set(own, tensor);
    names.set(name, own);
  }
  const nodes = [...first.nodes];
  const nodeNames = new Set(first.nodes.map(({ name }) => name));
  for (const node of second.nodes) {
    const inputs = node.inputs.map((name) => names.get(name) ?? name);
    const key = computationOf(node, inputs);
    const same = key === undefined ? undefined : byComputation.get(key);
    const outputs = node.outputs.map((name, place) => same?.outputs[place] ?? (name && take(name)));
    node.outputs.forEach((name, place) => {
      names.set(name, outputs[place] ?? name);
    });
    if (same !== undefined) continue;
    const name = freeName(node.name, nodeNames);
    nodeNames.add(name);
    nodes.push({ ...node, name, inputs, outputs });
  }
  const otherOpsets = new Map([...second.otherOpsets, ...first.otherOpsets]);
  return { graph: { ...first, otherOpsets, initialisers, nodes, valueTypes: new Map() }, names };
}

function requireSameInput(first: Graph, second: Graph): void {
  const formOf = ({ inputs, opset }: Graph) => {
    const types = inputs.map(
      ({ type }) =>
        `${type.elementType} [${type.shape.map((size) => (typeof size === "number" ? size : "?")).join(", ")}]`,
    );
    return `${types.join(" and ")} in version ${opset} of the operators`;
  };
  if (formOf(first) === formOf(second)) return;
  throw new ModelsUnfit(
    `The models take ${formOf(first)} and ${formOf(second)}. Only models of one base encoder can be joined.`,
  );
}

function contentOf({ elementType, shape, data }: Tensor): string {
  return `${elementType}[${shape.join()}]${createHash("sha256").update(data).digest("base64")}`;
}

/** What a node computes: equal for nodes that give the same. `undefined`: never taken for equal. */
function computationOf({ operator, domain, attributes }: Node, inputs: readonly string[]): string | undefined {
  const settings = [...attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  if (settings.some(([, { kind }]) => kind === "graph")) return undefined;
  return JSON.stringify([domain, operator, inputs, settings.map(([key, value]) => [key, settingOf(value)])]);
}

function settingOf(attribute: Attribute): readonly unknown[] {
  return [attribute.kind, attribute.kind === "tensor" ? contentOf(attribute.value) : attribute.value];
}
