import { createHash } from "node:crypto";
import type { Attribute, Graph, GraphOutput, GraphValue, Node, Tensor, TensorType } from "./graph.type.js";
import { inferNode } from "./infer-node.js";
import { inferValues } from "./infer-shapes.js";
import { isTensor, type KnownValue } from "./known-value.js";
import { GraphInvalid } from "./onnx.errors.js";

/** A value of a graph under construction. Its type is known from the moment it is made. */
export interface Value {
  readonly name: string;
  readonly type: TensorType;
}

export interface NodeOptions {
  /** Wanted name of the node and of its first output; made unique where it is taken. */
  readonly name?: string | undefined;
  readonly domain?: string;
  /** For operators without a shape rule: the types of all outputs. */
  readonly outputTypes?: readonly TensorType[];
  /** How many outputs to name; one by default. */
  readonly outputs?: number;
}

export interface AssemblyOptions {
  readonly name?: string;
  /** Version of the standard operators. 18: the newest that every provider of the pinned runtime knows in full. */
  readonly opset?: number;
  readonly otherOpsets?: ReadonlyMap<string, number>;
}

/**
 * Collects the parts of a graph: keeps names unique, shares equal constants, infers types as nodes come, so that a
 * wrong shape is refused where it is built.
 */
export class GraphAssembly {
  readonly opset: number;
  private readonly name: string;
  private readonly otherOpsets: Map<string, number>;
  private readonly inputs: GraphValue[] = [];
  private readonly outputs: GraphOutput[] = [];
  private readonly initialisers = new Map<string, Tensor>();
  private readonly nodes: Node[] = [];
  private readonly types = new Map<string, TensorType>();
  private readonly values = new Map<string, KnownValue>();
  private readonly constantsByContent = new Map<string, Value>();
  private readonly nodeNames = new Set<string>();

  constructor(options: AssemblyOptions = {}) {
    this.name = options.name ?? "graph";
    this.opset = options.opset ?? 18;
    this.otherOpsets = new Map(options.otherOpsets);
  }

  /** Goes on building where a graph ends: its values can be had by name, its outputs are declared already. */
  static from(graph: Graph): GraphAssembly {
    const assembly = new GraphAssembly(graph);
    const { types, values } = inferValues(graph);
    assembly.inputs.push(...graph.inputs);
    assembly.outputs.push(...graph.outputs.map(({ name }) => ({ name, type: types.get(name) })));
    assembly.nodes.push(...graph.nodes);
    for (const [name, tensor] of graph.initialisers) assembly.initialisers.set(name, tensor);
    for (const [name, type] of types) assembly.types.set(name, type);
    for (const [name, value] of values) assembly.values.set(name, value);
    for (const { name } of graph.nodes) assembly.nodeNames.add(name);
    return assembly;
  }

  input(name: string, type: TensorType): Value {
    this.requireFree(name);
    this.inputs.push({ name, type });
    return this.remember(name, type);
  }

  /** A weight under its own name; never shared with an equal one. */
  initialiser(name: string, tensor: Tensor): Value {
    this.requireFree(name);
    this.initialisers.set(name, tensor);
    this.values.set(name, tensor);
    return this.remember(name, { elementType: tensor.elementType, shape: tensor.shape });
  }

  /** A nameless constant. Equal ones become one. */
  constant(tensor: Tensor, name = "constant"): Value {
    const digest = createHash("sha1").update(tensor.data).digest("base64");
    const content = `${tensor.elementType}[${tensor.shape.join()}]${digest}`;
    const known = this.constantsByContent.get(content);
    if (known !== undefined) return known;
    const value = this.initialiser(this.freeName(name, this.types), tensor);
    this.constantsByContent.set(content, value);
    return value;
  }

  /** Adds a node. @throws ShapeUnknown  when its inputs do not fit */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value[] {
    const name = this.freeName(options.name ?? operator, this.nodeNames);
    const count = options.outputTypes?.length ?? options.outputs ?? 1;
    const outputs = Array.from({ length: count }, (_, index) =>
      this.freeName(index === 0 ? name : `${name}.${index}`, this.types),
    );
    const node: Node = {
      name,
      operator,
      domain: options.domain ?? "",
      inputs: withoutTrailing(inputs).map((value) => value?.name ?? ""),
      outputs,
      attributes: new Map(Object.entries(attributes)),
    };
    const known = inputs.map((value) => value && { type: this.typeOf(value), value: this.values.get(value.name) });
    const results =
      options.outputTypes?.map((type) => ({ type, value: undefined })) ?? inferNode(node, this.opset, known);
    this.nodes.push(node);
    this.nodeNames.add(name);
    return results.map(({ type, value }, index) => {
      const output = outputs[index] as string;
      if (value !== undefined) this.values.set(output, value);
      return this.remember(output, type);
    });
  }

  /** Declares a value as an output of the graph. */
  output(value: Value): void {
    if (this.outputs.some(({ name }) => name === value.name)) return;
    this.outputs.push({ name: value.name, type: this.typeOf(value) });
  }

  /** Declares the version of a further operator set, such as "com.microsoft". */
  useOperatorSet(domain: string, version: number): void {
    this.otherOpsets.set(domain, version);
  }

  value(name: string): Value {
    return { name, type: this.typeOf({ name }) };
  }

  /** The constant behind a value, where it is one or follows from some. */
  knownValue(value: Value): Tensor | undefined {
    const known = this.values.get(value.name);
    return known !== undefined && isTensor(known) ? known : undefined;
  }

  graph(): Graph {
    const outside = new Set([...this.inputs, ...this.outputs].map(({ name }) => name));
    return {
      name: this.name,
      opset: this.opset,
      otherOpsets: new Map(this.otherOpsets),
      inputs: [...this.inputs],
      outputs: [...this.outputs],
      initialisers: new Map(this.initialisers),
      nodes: [...this.nodes],
      valueTypes: new Map([...this.types].filter(([name]) => !outside.has(name) && !this.initialisers.has(name))),
    };
  }

  private typeOf({ name }: { readonly name: string }): TensorType {
    const type = this.types.get(name);
    if (type === undefined) throw new GraphInvalid(this.name, `there is no value "${name}"`);
    return type;
  }

  private remember(name: string, type: TensorType): Value {
    this.types.set(name, type);
    return { name, type };
  }

  private requireFree(name: string): void {
    if (name === "" || this.types.has(name)) throw new GraphInvalid(this.name, `the name "${name}" is taken`);
  }

  private freeName(wanted: string, taken: { has(name: string): boolean }): string {
    if (!taken.has(wanted)) return wanted;
    let number = 1;
    while (taken.has(`${wanted}_${number}`)) number++;
    return `${wanted}_${number}`;
  }
}

function withoutTrailing(inputs: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  const last = inputs.findLastIndex((value) => value !== undefined);
  return inputs.slice(0, last + 1);
}
