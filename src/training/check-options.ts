import type { TrainerOptions } from "./trainer.type.js";
import { TrainingUnfit } from "./training.errors.js";

/**
 * Refuses settings with which a run would look healthy and ruin its weights.
 * @throws TrainingUnfit naming the setting and what it may be
 */
export function checkOptions({
  cut,
  loss,
  optimiser,
  learningRate,
  schedule,
  clipNorm,
  averaging,
}: Pick<TrainerOptions, "cut" | "loss" | "optimiser" | "learningRate" | "schedule" | "clipNorm" | "averaging">): void {
  const refuse = (name: string, value: unknown, range: string): never => {
    throw new TrainingUnfit(`${name} is ${String(value)}; it must be ${range}.`);
  };
  if (cut.length === 0) refuse("cut", "empty", "the name of a value, such as the encoder's input");
  const rates = typeof learningRate === "number" ? { learningRate } : learningRate;
  for (const [name, rate] of Object.entries(rates)) {
    if (!(Number.isFinite(rate) && rate >= 0)) refuse(`The learning rate (${name})`, rate, "a number from 0 on");
  }
  if (clipNorm !== undefined && !(clipNorm > 0)) refuse("clipNorm", clipNorm, "above 0");
  if (averaging !== undefined && !(averaging >= 0 && averaging < 1))
    refuse("averaging", averaging, "from 0 to below 1");
  const settings = { loss, optimiser, schedule: schedule ?? {} };
  for (const [group, values] of Object.entries(settings)) {
    for (const [name, value] of Object.entries(values) as [string, unknown][]) {
      if (typeof value === "number" && !(Number.isFinite(value) && value >= 0)) {
        refuse(`${name} of the ${group}`, value, "a number from 0 on");
      }
    }
  }
  if (loss.name === "info-nce" && loss.temperature === 0) refuse("temperature of the loss", 0, "above 0");
}
