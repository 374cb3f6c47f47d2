import { refuseUnknownSettings } from "./known-settings.js";
import type { TrainerOptions } from "./trainer.type.js";
import { TrainingUnfit } from "./training.errors.js";

/** What can be asked for by name. Recipes are also written by hand and read from files, where no compiler looks. */
const known = {
  loss: ["info-nce", "multi-similarity", "triplet"],
  selection: ["batch-all", "batch-hard", "easy-positive", "semi-hard"],
  distance: ["cosine", "euclidean"],
  optimiser: ["adamw", "sgd"],
  device: ["cpu", "cuda", "webgpu"],
  optimiserIn: ["graph", "host"],
  layers: ["linear", "mlp", "none"],
  pooling: ["average", "cls", "max", "mean-tokens", "none"],
} as const;

/**
 * Refuses settings with which a run would look healthy and ruin its weights.
 * @throws TrainingUnfit naming the setting and what it may be
 */
export function checkOptions(options: TrainerOptions): void {
  const { cut, learningRate, clipNorm, averaging, threads } = options;
  checkNames(options);
  refuseUnknownSettings(options);
  if (cut.length === 0) refuse("cut", "empty", "the name of a value, such as the encoder's input");
  const rates = typeof learningRate === "object" ? learningRate : { head: learningRate, trunk: learningRate };
  for (const group of ["head", "trunk"] as const) {
    if (!isFromZero(rates[group])) refuse(`The learning rate (${group})`, rates[group], "a number from 0 on");
  }
  if (clipNorm !== undefined && !(clipNorm > 0)) refuse("clipNorm", clipNorm, "above 0");
  if (averaging !== undefined && !(averaging >= 0 && averaging < 1))
    refuse("averaging", averaging, "from 0 to below 1");
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 0)) {
    refuse("threads", threads, "a whole number from 0 on");
  }
  checkNumbers(options);
}

function checkNames({ device = "cpu", head, loss, optimiser, optimiserIn = "host" }: TrainerOptions): void {
  oneOf("device", device, known.device);
  oneOf("name of the loss", loss.name, known.loss);
  oneOf("name of the optimiser", optimiser.name, known.optimiser);
  oneOf("optimiserIn", optimiserIn, known.optimiserIn);
  oneOf("kind of the head's layers", head.layers.kind, known.layers);
  for (const { value, pooling } of head.features) oneOf(`pooling of the feature "${value}"`, pooling, known.pooling);
  if (loss.name !== "triplet") return;
  oneOf("selection of the loss", loss.selection, known.selection);
  oneOf("distance of the loss", loss.distance ?? "cosine", known.distance);
  if (loss.margin !== "soft" && !isFromZero(loss.margin)) {
    refuse("margin of the loss", loss.margin, 'a number from 0 on, or "soft"');
  }
}

function checkNumbers({ loss, optimiser, schedule = {} }: TrainerOptions): void {
  const texts = new Set(["distance", "margin", "name", "selection"]);
  for (const [group, values] of Object.entries({ loss, optimiser, schedule })) {
    for (const [name, value] of Object.entries(values) as [string, unknown][]) {
      if (value === undefined || texts.has(name)) continue;
      if (!isFromZero(value)) refuse(`${name} of the ${group}`, value, "a number from 0 on");
    }
  }
  // What is divided by: each of them would make weights that are no numbers.
  if (loss.name === "info-nce" && loss.temperature === 0) refuse("temperature of the loss", 0, "above 0");
  if (loss.name === "multi-similarity") {
    for (const name of ["alpha", "beta"] as const) if (loss[name] === 0) refuse(`${name} of the loss`, 0, "above 0");
  }
  if (optimiser.name === "adamw") {
    for (const name of ["beta1", "beta2"] as const) {
      if ((optimiser[name] ?? 0) >= 1) refuse(`${name} of the optimiser`, optimiser[name], "from 0 to below 1");
    }
    if (optimiser.epsilon === 0) refuse("epsilon of the optimiser", 0, "above 0");
  }
}

function oneOf(name: string, value: unknown, names: readonly unknown[]): void {
  if (!names.includes(value)) refuse(name, value, `one of ${names.join(", ")}`);
}

function isFromZero(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function refuse(name: string, value: unknown, range: string): never {
  throw new TrainingUnfit(`${name} is ${String(value)}; it must be ${range}.`);
}
