import { float32Values, type Graph, type GraphValue, type Tensor } from "../onnx/index.js";
import { TrainingUnfit, WeightsNotFinite } from "./training.errors.js";

/** The weight itself. @throws WeightsNotFinite */
export function finiteWeight(name: string, tensor: Tensor): Tensor {
  const index = float32Values(tensor).findIndex((value) => !Number.isFinite(value));
  if (index >= 0) throw new WeightsNotFinite(name, index);
  return tensor;
}

/**
 * Refuses values whose first axis is as long as the batch and is not the batch: with another one it stays as it is.
 * @param values of the encoder with its batch left open
 * @throws TrainingUnfit
 */
export function requireOpenBatch(values: Graph["outputs"]): void {
  const fixed = values.find(({ type }) => typeof type?.shape[0] === "number");
  if (fixed === undefined) return;
  throw new TrainingUnfit(
    `"${fixed.name}" is [${fixed.type?.shape.join(", ")}] whatever the batch: its first axis does not count photos. ` +
      "Choose another cut or feature, or export the encoder again with its batch axis open (dynamic_axes).",
  );
}

/**
 * Refuses values that are not one row a photo. An encoder exported for one photo may reshape to [1, …] on its way: with
 * a batch it would mix the photos.
 * @throws TrainingUnfit
 */
export function requireRowPerPhoto(values: readonly GraphValue[], batch: number): void {
  const odd = values.find(({ type }) => type.shape[0] !== batch);
  if (odd === undefined) return;
  throw new TrainingUnfit(
    `"${odd.name}" is [${odd.type.shape.join(", ")}] for a batch of ${batch}, not one row a photo. Choose another cut ` +
      "or feature, or export the encoder again with its batch axis open (dynamic_axes).",
  );
}
