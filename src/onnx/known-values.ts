import { isStatic } from "./dimensions.js";
import type { Tensor, TensorType } from "./graph.type.js";
import type { OperatorCall } from "./operator-call.js";
import { shapeRange } from "./shape-rules/creation.js";
import { int64List } from "./tensor.js";

/** Values of a node's outputs that are known before the graph runs. */
export function knownOutputs(call: OperatorCall, types: readonly TensorType[]): (Tensor | undefined)[] {
  switch (call.node.operator) {
    case "Constant":
      return [call.attribute("value", "tensor")?.value];
    case "Shape": {
      const sizes = call.shape(0).slice(...shapeRange(call.shape(0).length, call.int("start"), call.int("end")));
      return [isStatic(sizes) ? int64List(sizes) : undefined];
    }
    default:
      return types.map(() => undefined);
  }
}
