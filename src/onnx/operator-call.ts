import { DimensionsDisagree, isStatic, staticShape } from "./dimensions.js";
import type { Attribute, Dimension, ElementType, Node, TensorType } from "./graph.type.js";
import { elementsOf, type KnownValue } from "./known-value.js";
import { ShapeUnknown } from "./onnx.errors.js";

/** What is known of an input while shapes are inferred: its type, and its value where that follows from constants. */
export interface KnownInput {
  readonly type: TensorType;
  readonly value: KnownValue | undefined;
}

/** A node with its known inputs: what a shape rule works on. Every refusal names the node. */
export class OperatorCall {
  constructor(
    readonly node: Node,
    readonly opset: number,
    /** `undefined` stands for an optional input that was left out. */
    readonly inputs: readonly (KnownInput | undefined)[],
  ) {}

  /** @throws ShapeUnknown */
  fail(reason: string): never {
    throw new ShapeUnknown(this.node.operator, this.node.name, reason);
  }

  /** Runs size arithmetic and puts the node's name to what it refuses. */
  sizes<Result>(compute: () => Result): Result {
    try {
      return compute();
    } catch (error) {
      if (error instanceof DimensionsDisagree) return this.fail(error.message);
      throw error;
    }
  }

  input(position: number): KnownInput {
    return this.inputs[position] ?? this.fail(`input ${position} is missing`);
  }

  has(position: number): boolean {
    return this.inputs[position] !== undefined;
  }

  shape(position: number): readonly Dimension[] {
    return this.input(position).type.shape;
  }

  elementType(position: number): ElementType {
    return this.input(position).type.elementType;
  }

  /** Sizes of an input that has to be static for this operator. */
  staticShape(position: number): number[] {
    return this.sizes(() => staticShape(this.shape(position)));
  }

  /** The elements of an input, if it is small and known before the graph runs; open sizes by their names. */
  knownElements(position: number): readonly Dimension[] | undefined {
    const value = this.inputs[position]?.value;
    return value && elementsOf(value);
  }

  /** The same, if all of them are numbers. */
  knownNumbers(position: number): readonly number[] | undefined {
    const elements = this.knownElements(position);
    return elements !== undefined && isStatic(elements) ? elements : undefined;
  }

  /** Sizes given as an input: what the output's shape is made of. */
  wantedSizes(position: number): readonly Dimension[] {
    this.input(position);
    return this.knownElements(position) ?? this.failOnUnknown(position);
  }

  /** Numbers given as an input, on which the output's shape depends. */
  numbers(position: number): readonly number[] {
    this.input(position);
    return this.knownNumbers(position) ?? this.failOnUnknown(position);
  }

  /** A list that was an attribute up to some operator-set version and is an input since. */
  numbersFromAttributeOrInput(name: string, position: number): readonly number[] | undefined {
    return this.ints(name) ?? (this.has(position) ? this.numbers(position) : undefined);
  }

  int(name: string): number | undefined {
    return this.attribute(name, "int")?.value;
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name, "ints")?.value;
  }

  float(name: string): number | undefined {
    return this.attribute(name, "float")?.value;
  }

  text(name: string): string | undefined {
    return this.attribute(name, "string")?.value;
  }

  /** An axis counted from the front, wherever it was counted from. */
  axis(axis: number, rank: number): number {
    const front = axis < 0 ? axis + rank : axis;
    return front >= 0 && front < rank ? front : this.fail(`axis ${axis} does not exist among ${rank}`);
  }

  private failOnUnknown(position: number): never {
    return this.fail(
      `its shape depends on "${this.node.inputs[position]}", which is only known while the graph runs; ` +
        "bind the batch and other named sizes first (bindDimensions)",
    );
  }

  attribute<Kind extends Attribute["kind"]>(name: string, kind: Kind): Extract<Attribute, { kind: Kind }> | undefined {
    const attribute = this.node.attributes.get(name);
    if (attribute === undefined) return undefined;
    if (attribute.kind !== kind) return this.fail(`its attribute "${name}" is ${attribute.kind}, not ${kind}`);
    return attribute as Extract<Attribute, { kind: Kind }>;
  }
}
