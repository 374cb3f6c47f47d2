import type { Node } from "../../onnx/index.js";

/** TensorProto.DataType.FLOAT */
const float32Code = 1;

export function isCastToFloat32(node: Node): boolean {
  const to = node.attributes.get("to");
  return node.operator === "Cast" && node.domain === "" && to?.kind === "int" && to.value === float32Code;
}
