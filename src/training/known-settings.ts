import type { FeatureSpecification, HeadSpecification } from "./heads/index.js";
import type { LossSpecification } from "./losses/index.js";
import type { OptimiserSpecification, Schedule } from "./optimisers/index.js";
import type { TrainerOptions } from "./trainer.type.js";
import { TrainingUnfit } from "./training.errors.js";

/** Every setting of `Settings`, so that one which is added there is missed here. */
type Names<Settings> = Readonly<Record<keyof Required<Settings>, true>>;
type Named<Union, Name> = Extract<Union, { readonly name: Name }>;
type Layers = HeadSpecification["layers"];
type LayersOf<Kind> = Extract<Layers, { readonly kind: Kind }>;

const ofTrainer: Names<TrainerOptions> = {
  ...{ averaging: true, batch: true, clipNorm: true, cut: true, device: true, encoder: true, head: true },
  ...{ learningRate: true, loss: true, lower: true, memory: true, memoryBudget: true, optimiser: true },
  ...{ optimiserIn: true, schedule: true, seed: true, threads: true },
};
const ofHead: Names<HeadSpecification> = { dropout: true, features: true, layers: true, standardise: true };
const ofFeature: Names<FeatureSpecification> = { channelsLast: true, pooling: true, value: true };
const ofRates: Names<Exclude<TrainerOptions["learningRate"], number>> = { head: true, trunk: true };
const ofSchedule: Names<Schedule> = { finalShare: true, totalSteps: true, warmUpSteps: true };
const ofLayers: { readonly [Kind in Layers["kind"]]: Names<LayersOf<Kind>> } = {
  linear: { dims: true, kind: true },
  mlp: { dims: true, hidden: true, kind: true },
  none: { kind: true },
};
const ofLoss: { readonly [Name in LossSpecification["name"]]: Names<Named<LossSpecification, Name>> } = {
  "info-nce": { name: true, temperature: true },
  "multi-similarity": { alpha: true, beta: true, epsilon: true, lambda: true, name: true },
  triplet: { distance: true, margin: true, name: true, selection: true },
};
const ofOptimiser: { readonly [Name in OptimiserSpecification["name"]]: Names<Named<OptimiserSpecification, Name>> } = {
  adamw: { beta1: true, beta2: true, epsilon: true, name: true, weightDecay: true },
  sgd: { momentum: true, name: true, weightDecay: true },
};

/**
 * Refuses settings that nothing reads: a misspelt one would be left at its default in silence.
 * @param options whose names (of loss, optimiser, layers) are known
 * @throws TrainingUnfit naming the setting and those that there are
 */
export function refuseUnknownSettings(options: TrainerOptions): void {
  const { head, loss, optimiser, learningRate, schedule = {} } = options;
  refuseOthers("trainer", options, ofTrainer);
  refuseOthers("head", head, ofHead);
  refuseOthers("head's layer stack", head.layers, ofLayers[head.layers.kind]);
  for (const feature of head.features) refuseOthers(`feature "${feature.value}"`, feature, ofFeature);
  refuseOthers("loss", loss, ofLoss[loss.name]);
  refuseOthers("optimiser", optimiser, ofOptimiser[optimiser.name]);
  refuseOthers("schedule", schedule, ofSchedule);
  if (typeof learningRate === "object") refuseOthers("learning rate", learningRate, ofRates);
}

function refuseOthers(what: string, settings: object, known: Readonly<Record<string, true>>): void {
  const other = Object.keys(settings).find((name) => !Object.hasOwn(known, name));
  if (other === undefined) return;
  throw new TrainingUnfit(`The ${what} has no setting "${other}". There are: ${Object.keys(known).sort().join(", ")}.`);
}
