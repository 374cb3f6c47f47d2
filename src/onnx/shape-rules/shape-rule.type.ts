import type { TensorType } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";

/** The types of a node's outputs, in order. Pure. @throws ShapeUnknown */
export type ShapeRule = (call: OperatorCall) => readonly TensorType[];
