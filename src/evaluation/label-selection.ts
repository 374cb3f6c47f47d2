import { BadUserInput } from "../errors.js";
import { PATH_SEPARATOR } from "./labels.js";

export interface LabelSelection {
  readonly onlyLabels?: readonly string[] | undefined;
  readonly excludeLabels?: readonly string[] | undefined;
}

/** Names shown in a message; a catalog may have thousands. */
const NAMED = 20;

/** Whether anything is selected at all. */
export function selectsLabels({ onlyLabels, excludeLabels }: LabelSelection): boolean {
  return onlyLabels !== undefined || (excludeLabels !== undefined && excludeLabels.length > 0);
}

/**
 * The labels that a selection leaves. A label is meant by its name, or by the last part of its path when no other
 * label ends in it.
 * @param names of all labels there are
 * @throws BadUserInput for a name that means no label or several, and for a selection that leaves nothing
 */
export function selectLabels(
  names: ReadonlySet<string>,
  { onlyLabels, excludeLabels }: LabelSelection,
): ReadonlySet<string> {
  const byLastPart = new Map<string, string[]>();
  for (const name of names) {
    const last = name.split(PATH_SEPARATOR).at(-1)!;
    byLastPart.set(last, [...(byLastPart.get(last) ?? []), name]);
  }
  const meant = (asked: readonly string[], field: string): Set<string> =>
    new Set(asked.map((text) => meantBy(text.trim(), names, byLastPart, field)));
  const only = onlyLabels === undefined ? names : meant(onlyLabels, "onlyLabels");
  const excluded = meant(excludeLabels ?? [], "excludeLabels");
  const left = new Set([...only].filter((name) => !excluded.has(name)));
  if (left.size === 0 && names.size > 0) {
    throw new BadUserInput(`The selection leaves no label of ${listed([...names])}.`, ["onlyLabels"]);
  }
  return left;
}

function meantBy(
  text: string,
  names: ReadonlySet<string>,
  byLastPart: ReadonlyMap<string, readonly string[]>,
  field: string,
): string {
  if (names.has(text)) return text;
  const candidates = byLastPart.get(text) ?? [];
  if (candidates.length === 1) return candidates[0]!;
  throw new BadUserInput(
    candidates.length > 1
      ? `The label "${text}" may mean ${listed(candidates)}. Write the whole path.`
      : `There is no label "${text}". There are ${names.size === 0 ? "no labels at all" : listed([...names])}.`,
    [field],
  );
}

function listed(names: readonly string[]): string {
  const sorted = [...names].sort().map((name) => `"${name}"`);
  const rest = sorted.length - NAMED;
  return rest > 0 ? `${sorted.slice(0, NAMED).join(", ")} and ${rest} others` : sorted.join(", ");
}
