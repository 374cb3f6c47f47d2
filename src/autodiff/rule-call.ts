import { type Attribute, type GraphBuilder, type Node, numbersOf, type Value } from "../onnx/index.js";
import { GraphNotTrainable } from "./autodiff.errors.js";

/** A node as its gradient rule sees it: its values with static shapes, and its attributes. */
export class RuleCall {
  constructor(
    readonly node: Node,
    private readonly inputs: readonly (Value | undefined)[],
    private readonly outputs: readonly Value[],
    private readonly graph: GraphBuilder,
  ) {}

  get inputCount(): number {
    return this.inputs.length;
  }

  input(position: number): Value {
    return this.inputs[position] ?? this.refuse(`input ${position} is missing`);
  }

  has(position: number): boolean {
    return this.inputs[position] !== undefined;
  }

  output(position = 0): Value {
    return this.outputs[position] ?? this.refuse(`output ${position} is missing`);
  }

  /** Numbers of an input that must be known before the graph runs: axes, shapes, bounds. */
  numbers(position: number): number[] {
    const tensor = this.graph.knownValue(this.input(position));
    return tensor === undefined ? this.refuse(`its input ${position} must be a constant`) : numbersOf(tensor);
  }

  optionalNumbers(position: number): number[] | undefined {
    return this.has(position) ? this.numbers(position) : undefined;
  }

  int(name: string, fallback: number): number {
    return this.attribute(name, "int")?.value ?? fallback;
  }

  float(name: string, fallback: number): number {
    return this.attribute(name, "float")?.value ?? fallback;
  }

  text(name: string, fallback: string): string {
    return this.attribute(name, "string")?.value ?? fallback;
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name, "ints")?.value;
  }

  /** Axes from the attribute of older operator sets or the input of newer ones, counted from the front. */
  axes(position: number, rank: number): number[] | undefined {
    const axes = this.ints("axes") ?? this.optionalNumbers(position);
    return axes?.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  }

  /** @throws GraphNotTrainable naming this node; the walker completes the path */
  refuse(reason: string): never {
    throw new GraphNotTrainable(this.node.operator, this.node.name, [], reason);
  }

  private attribute<Kind extends Attribute["kind"]>(name: string, kind: Kind) {
    const attribute = this.node.attributes.get(name);
    return attribute?.kind === kind ? (attribute as Extract<Attribute, { kind: Kind }>) : undefined;
  }
}

/** Sizes of a value whose shape is static, as every value is once the batch is bound. */
export function shapeOf(value: Value): number[] {
  return value.type.shape.map((size) => {
    if (typeof size === "number") return size;
    throw new GraphNotTrainable("Shape", value.name, [], `the size "${size}" of "${value.name}" is not bound`);
  });
}
