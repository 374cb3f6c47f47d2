import { float32Tensor, type GraphBuilder, type Value } from "../../onnx/index.js";
import { unitLength } from "../../training/index.js";
import type { Projection } from "../whitening/projection.type.js";

/**
 * (x − mean) · projection, of unit length.
 * @param prefix of the constants' names
 */
export function project(g: GraphBuilder, x: Value, fit: Projection, prefix: string): Value {
  const mean = g.initialiser(`${prefix}/mean`, float32Tensor([fit.width], fit.mean));
  const axes = g.initialiser(`${prefix}/axes`, float32Tensor([fit.width, fit.dims], fit.projection));
  return unitLength(g, g.gemm(g.sub(x, mean, `${prefix}/centred`), axes, undefined, { name: `${prefix}/projected` }));
}
