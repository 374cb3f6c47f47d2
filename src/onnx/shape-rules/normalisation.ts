import type { ShapeRule } from "./shape-rule.type.js";

/** LayerNormalization, and on request the mean and inverse deviation with the normalised axes kept as 1. */
export const layerNormalization: ShapeRule = (call) => {
  const { elementType, shape } = call.input(0).type;
  const axis = call.axis(call.int("axis") ?? -1, shape.length);
  const statistics = { elementType, shape: shape.map((size, at) => (at < axis ? size : 1)) };
  return [{ elementType, shape }, statistics, statistics];
};

/** BatchNormalization as inference runs it. */
export const batchNormalization: ShapeRule = (call) => {
  if (call.int("training_mode") === 1) call.fail("it updates its statistics; export the model in evaluation mode");
  return [call.input(0).type];
};
