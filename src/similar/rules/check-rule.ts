import { BadUserInput } from "../../errors.js";
import { MOST_ITEMS } from "../similar-items.js";
import type { RuleScope } from "./similar-rule.type.js";

const DEEPEST_CATEGORY = 20;
const LONGEST_NAME = 500;
const LONGEST_NOTE = 1_000;
/** Postgres knows later years, and clients that read ISO dates do not. */
const LAST_YEAR = 9999;

/** @throws BadUserInput naming the field */
export function checkPosition(position: number): void {
  if (Number.isInteger(position) && position >= 1 && position <= MOST_ITEMS) return;
  throw new BadUserInput(`position must be a whole number from 1 to ${MOST_ITEMS}.`, ["position"]);
}

/** @throws BadUserInput naming the field */
export function checkScope({ forProductId, forCategory }: RuleScope): void {
  if (forCategory === undefined) return;
  if (forProductId !== undefined) {
    throw new BadUserInput("A rule is for one product or for a category, not for both. Make two rules.", [
      "forCategory",
    ]);
  }
  if (forCategory.length < 1 || forCategory.length > DEEPEST_CATEGORY) {
    throw new BadUserInput(
      `forCategory must name 1 to ${DEEPEST_CATEGORY} levels, outermost first. Leave it out for every answer.`,
      ["forCategory"],
    );
  }
  if (forCategory.some((level) => level === "" || level.length > LONGEST_NAME)) {
    throw new BadUserInput(`Every level of forCategory must have 1 to ${LONGEST_NAME} characters.`, ["forCategory"]);
  }
}

/** @throws BadUserInput naming the field */
export function checkDates({ from, to }: { readonly from: Date | null; readonly to: Date | null }): void {
  for (const [field, date] of [
    ["from", from],
    ["to", to],
  ] as const) {
    if (date === null) continue;
    const year = date.getUTCFullYear();
    if (!(year >= 1 && year <= LAST_YEAR)) {
      throw new BadUserInput(`${field} must be a date of the years 1 to ${LAST_YEAR}.`, [field]);
    }
  }
  if (from !== null && to !== null && to <= from) {
    throw new BadUserInput("to must be later than from: the rule holds from the one until the other.", ["to"]);
  }
}

/** @throws BadUserInput naming the field */
export function checkNote(note: string | null): void {
  if (note !== null && note.length > LONGEST_NOTE) {
    throw new BadUserInput(`note must have at most ${LONGEST_NOTE} characters.`, ["note"]);
  }
}
