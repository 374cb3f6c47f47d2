import { BadUserInput } from "../errors.js";
import type { NewExperiment } from "./experiment.type.js";

const MOST_VARIANTS = 10;
const LONGEST_NAME = 200;
const LONGEST_DAYS = 366;
const DAY_MS = 86_400_000;

/** @throws BadUserInput naming the field */
export function checkExperiment({ name, variants, share, from, to }: Required<NewExperiment>, now: Date): void {
  if (name.trim() === "" || name.length > LONGEST_NAME) {
    throw new BadUserInput(`name must have 1 to ${LONGEST_NAME} characters.`, ["name"]);
  }
  if (variants.length < 2 || variants.length > MOST_VARIANTS) {
    throw new BadUserInput(`Name 2 to ${MOST_VARIANTS} variants, the control first.`, ["variants"]);
  }
  for (const [place, { weight, modelId }] of variants.entries()) {
    if (!(weight > 0 && weight <= 1e6)) {
      throw new BadUserInput("weight must be above 0, and 1000000 at most.", ["variants", String(place), "weight"]);
    }
    if (variants.findIndex((other) => other.modelId === modelId) < place) {
      throw new BadUserInput("Each variant needs a model of its own.", ["variants", String(place), "modelId"]);
    }
  }
  if (!(share > 0 && share <= 1)) throw new BadUserInput("share must be above 0, and 1 at most.", ["share"]);
  for (const [field, date] of [["from", from] as const, ["to", to] as const]) {
    if (Number.isNaN(date.getTime())) throw new BadUserInput(`${field} must be a date.`, [field]);
  }
  if (to <= now || to <= from) throw new BadUserInput("to must be later than from, and than now.", ["to"]);
  if (to.getTime() - from.getTime() > LONGEST_DAYS * DAY_MS || from.getTime() - now.getTime() > LONGEST_DAYS * DAY_MS) {
    throw new BadUserInput("An experiment begins within a year and runs for a year at most.", ["to"]);
  }
}
