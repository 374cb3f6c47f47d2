import type { Graph, Node } from "../graph.type.js";
import { inferShapes, inferValues } from "../infer-shapes.js";
import { isTensor } from "../known-value.js";
import { elementCount, float32Tensor, int64List, numbersOf } from "../tensor.js";
import { gatherBackwards } from "./gather-backwards.js";
import { lengthenFilters } from "./lengthen-filters.js";
import { narrowSplit } from "./narrow-split.js";
import type { Rewrite, RewriteContext } from "./rewrite.type.js";
import { widenChannels } from "./widen-channels.js";
import { widenGroups } from "./widen-groups.js";
import { widenTransposed } from "./widen-transposed.js";

const rewrites: readonly Rewrite[] = [
  gatherBackwards,
  lengthenFilters,
  narrowSplit,
  widenChannels,
  widenGroups,
  widenTransposed,
];

/**
 * The same graph without what the WebGPU provider of ONNX Runtime 1.30 refuses or computes wrongly
 * (docs/decisions/101 and 120). Inputs and outputs keep their names, shapes and meaning.
 */
export function webGpuForm(graph: Graph): Graph {
  // What one rewrite gives may need another: filters that were lengthened, channels by the next four.
  const next = rewrittenOnce(graph);
  return next === undefined ? inferShapes(graph) : webGpuForm(next);
}

/** Every node rewritten by the first rewrite that it needs; undefined where none needs any. */
function rewrittenOnce(graph: Graph): Graph | undefined {
  const { types, values } = inferValues(graph);
  const initialisers = new Map(graph.initialisers);
  const context: RewriteContext = {
    shape: (name) => types.get(name)?.shape.map((size) => (typeof size === "number" ? size : undefined)),
    numbers(name) {
      const known = values.get(name);
      return known && isTensor(known) ? numbersOf(known) : undefined;
    },
    list(numbers) {
      const name = `webgpu/[${numbers.join()}]`;
      initialisers.set(name, int64List(numbers));
      return name;
    },
    zeros(shape) {
      const name = `webgpu/zeros [${shape.join()}]`;
      initialisers.set(name, float32Tensor(shape, new Float32Array(elementCount(shape))));
      return name;
    },
    node: (operator, inputs, output, attributes = {}) => ({
      name: `webgpu/${output}`,
      operator,
      domain: "",
      inputs,
      outputs: [output],
      attributes: new Map(Object.entries(attributes)),
    }),
  };
  let changed = false;
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    if (node.domain !== "") return [node];
    for (const rewrite of rewrites) {
      const instead = rewrite(node, context);
      if (instead === undefined) continue;
      changed = true;
      return instead;
    }
    return [node];
  });
  return changed ? { ...graph, nodes, initialisers } : undefined;
}
