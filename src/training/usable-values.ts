import { float32Values, type GraphValue, type Tensor } from "../onnx/index.js";
import { TrainingUnfit, WeightsNotFinite } from "./training.errors.js";

/** The weight itself. @throws WeightsNotFinite */
export function finiteWeight(name: string, tensor: Tensor): Tensor {
  const index = float32Values(tensor).findIndex((value) => !Number.isFinite(value));
  if (index >= 0) throw new WeightsNotFinite(name, index);
  return tensor;
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
