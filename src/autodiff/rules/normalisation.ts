import type { GradientRule } from "../gradient-rule.type.js";
import { shapeOf } from "../rule-call.js";

/** y = softmax x along an axis  ⇒  ∂x = y · (∂y − Σ ∂y·y). */
export const softmax: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const y = call.output();
  return [g.mul(y, g.sub(dy, g.reduceSum(g.mul(dy, y), [call.int("axis", -1)])))];
};

/** y = x − ln Σ eˣ along an axis  ⇒  ∂x = ∂y − eʸ · Σ ∂y. */
export const logSoftmax: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  return [g.sub(dy, g.mul(g.exp(call.output()), g.reduceSum(dy, [call.int("axis", -1)])))];
};

/**
 * y = x̂ · s + b with x̂ = (x − μ) / σ over the axes from `axis` on (Ba et al. 2016). With h = ∂y · s:
 * ∂x = (h − mean h − x̂ · mean(h · x̂)) / σ,  ∂s = ∂y · x̂,  ∂b = ∂y.
 */
export const layerNormalization: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null, null];
  if (call.node.outputs.length > 1) call.refuse("its mean and deviation are outputs of the graph");
  const x = call.input(0);
  const rank = shapeOf(x).length;
  const first = call.int("axis", -1);
  const start = first < 0 ? first + rank : first;
  const axes = Array.from({ length: rank - start }, (_, offset) => start + offset);
  const centred = g.sub(x, g.reduceMean(x, axes));
  const variance = g.reduceMean(g.mul(centred, centred), axes);
  const deviation = g.sqrt(g.add(variance, call.float("epsilon", 1e-5)));
  const normalised = g.div(centred, deviation);
  const h = g.mul(dy, call.input(1));
  const along = g.mul(normalised, g.reduceMean(g.mul(h, normalised), axes));
  const dx = g.div(g.sub(g.sub(h, g.reduceMean(h, axes)), along), deviation);
  return [dx, g.mul(dy, normalised), call.has(2) ? dy : null];
};

/**
 * y = (x − μ) / σ · s + b with frozen statistics, as fine-tuning on small batches wants:
 * ∂x = ∂y · s / σ,  ∂s = ∂y · (x − μ) / σ,  ∂b = ∂y.
 */
export const batchNormalization: GradientRule = (call, [dy], g) => {
  if (!dy) return [];
  if (call.int("training_mode", 0) === 1) call.refuse("it was exported in training mode; export it for inference");
  const perChannel = shapeOf(call.input(0)).map((size, axis) => (axis === 1 ? size : 1));
  const channel = (position: number) => g.reshape(call.input(position), perChannel);
  const deviation = g.sqrt(g.add(channel(4), call.float("epsilon", 1e-5)));
  const others = perChannel.map((_, axis) => axis).filter((axis) => axis !== 1);
  const normalised = g.div(g.sub(call.input(0), channel(3)), deviation);
  return [
    g.mul(dy, g.div(channel(1), deviation)),
    g.reduceSum(g.mul(dy, normalised), others, false),
    g.reduceSum(dy, others, false),
    null,
    null,
  ];
};
