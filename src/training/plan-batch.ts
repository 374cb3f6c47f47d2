import { trunkGraph } from "./inference-graph.js";
import { loweringFor } from "./lowering-for-device.js";
import { prepareEncoder } from "./prepare-encoder.js";
import { copiesOf, estimateResidency, type Residency } from "./residency.js";
import type { TrainerOptions } from "./trainer.type.js";
import { MemoryTooSmall } from "./training.errors.js";
import { buildTrainingGraph } from "./training-graph.js";

/** Below this nothing can be compared. */
const SMALLEST_BATCH = 2;

export interface BatchPlan {
  readonly batch: number;
  readonly residency: Residency;
}

/**
 * The largest batch, up to the one wanted, whose step fits into `memoryBudget`. Nothing is run: the step is built for a
 * few sizes, and its shapes say what it takes. Sizes are multiples of `multipleOf`, the photos a label for example.
 * @throws MemoryTooSmall  where not even the smallest fits, and what `createTrainer` throws
 */
export async function planBatch(
  options: TrainerOptions & { readonly memoryBudget: number },
  multipleOf = 1,
): Promise<BatchPlan> {
  const { memoryBudget, batch: wanted } = options;
  const estimate = await stepEstimate(options);
  const whole = await estimate(wanted);
  if (whole.total <= memoryBudget) return { batch: wanted, residency: whole };
  const smallest = Math.ceil(SMALLEST_BATCH / multipleOf) * multipleOf;
  const least = await estimate(smallest);
  if (least.total > memoryBudget) throw new MemoryTooSmall(memoryBudget, least.total, smallest, undefined);
  let best: BatchPlan = { batch: smallest, residency: least };
  let tooLarge = Math.ceil(wanted / multipleOf);
  while (tooLarge - best.batch / multipleOf > 1) {
    const middle = Math.floor((best.batch / multipleOf + tooLarge) / 2);
    const residency = await estimate(middle * multipleOf);
    if (residency.total > memoryBudget) tooLarge = middle;
    else best = { batch: middle * multipleOf, residency };
  }
  return best;
}

async function stepEstimate(options: TrainerOptions): Promise<(batch: number) => Promise<Residency>> {
  const cuts = typeof options.cut === "string" ? [options.cut] : options.cut;
  const { head, loss, memory = 0 } = options;
  const values = head.features.map(({ value }) => value);
  const encoder = await prepareEncoder(options.encoder, cuts, values);
  const copies = copiesOf(options.optimiser, options.averaging !== undefined);
  const lower = await loweringFor(options);
  return async (batch) => {
    const training = await buildTrainingGraph({ encoder, cuts, head, loss, batch, memory });
    const trained = new Set(training.trainables.map(({ name }) => name));
    const frozen = { encoder: encoder.graph, trunk: trunkGraph(encoder, training) };
    return estimateResidency(await lower(training.graph), trained, copies, frozen);
  };
}
