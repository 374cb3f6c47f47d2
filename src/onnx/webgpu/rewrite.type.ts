import type { Attribute, Node } from "../graph.type.js";

/** What a rewrite may ask of the graph, and build new nodes with. */
export interface RewriteContext {
  /** Shape of a value; undefined where it is not known, or a size where only that is not. */
  shape(name: string): readonly (number | undefined)[] | undefined;
  /** The numbers of a value that is known before the graph runs. */
  numbers(name: string): readonly number[] | undefined;
  /** Name of a constant int64 list. */
  list(values: readonly number[]): string;
  /** Name of constant float32 zeros. */
  zeros(shape: readonly number[]): string;
  /** A standard node of one output. */
  node(
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes?: Readonly<Record<string, Attribute>>,
  ): Node;
}

/** Nodes that give the outputs of `node` without what the device cannot do; undefined where the node may stay. */
export type Rewrite = (node: Node, context: RewriteContext) => readonly Node[] | undefined;
