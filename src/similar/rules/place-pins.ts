import type { SimilarRule } from "./similar-rule.type.js";

/** A pin and the position that it got, from 1. */
export interface PlacedPin {
  readonly rule: SimilarRule;
  readonly position: number;
}

/**
 * Gives each pin a position of its own. The first to want one gets it; the others go to the next ones that nobody wants.
 * @param pins in the order in which they choose
 * @returns in the order of their positions
 */
export function placePins(pins: readonly SimilarRule[]): PlacedPin[] {
  const placed = new Map<number, SimilarRule>();
  const others: SimilarRule[] = [];
  for (const rule of pins) {
    if (placed.has(wantedBy(rule))) others.push(rule);
    else placed.set(wantedBy(rule), rule);
  }
  for (const rule of others) {
    let position = wantedBy(rule) + 1;
    while (placed.has(position)) position++;
    placed.set(position, rule);
  }
  return [...placed].map(([position, rule]) => ({ position, rule })).sort((a, b) => a.position - b.position);
}

function wantedBy({ position }: SimilarRule): number {
  return position ?? 1;
}
