import { BadUserInput } from "../../errors.js";
import type { CatalogEvent } from "./catalog-event.type.js";
import type { ProductKey } from "./product-rows.js";
import { assertProduct, externalIdProblem } from "./product-rules.js";

/** Most events of one transaction, and most text: the embedded database holds everybody up for as long as one runs. */
export const BATCH_EVENTS = 500;
export const BATCH_CHARACTERS = 4 * 1024 * 1024;

/** An event with its product's key and its place in the caller's list. */
export interface KeyedEvent extends ProductKey {
  readonly event: CatalogEvent;
  readonly place: number;
}

/** One string for a product of a source. */
export function keyOf({ source, externalId }: ProductKey): string {
  return JSON.stringify([source, externalId]);
}

export function toEntry(event: CatalogEvent, place: number): KeyedEvent {
  const { source, externalId } = event.type === "delete" ? event : event.product;
  return { source, externalId, event, place };
}

/**
 * Splits events so that no product stands twice in a round, and sorts each round: the rows are then locked in the same
 * order by every writer.
 */
export function toRounds(events: readonly CatalogEvent[]): KeyedEvent[][] {
  const rounds: KeyedEvent[][] = [];
  const seen = new Map<string, number>();
  for (const [place, event] of events.entries()) {
    assertEvent(event);
    const entry = toEntry(event, place);
    const key = keyOf(entry);
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    const entries = rounds[round];
    if (entries) entries.push(entry);
    else rounds[round] = [entry];
  }
  for (const round of rounds) round.sort((a, b) => compare(a.source, b.source) || compare(a.externalId, b.externalId));
  return rounds;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Splits events into transactions. */
export function* toBatches(events: readonly CatalogEvent[]): Generator<readonly CatalogEvent[]> {
  let batch: CatalogEvent[] = [];
  let characters = 0;
  for (const event of events) {
    const size = eventSize(event);
    if (batch.length === BATCH_EVENTS || (batch.length > 0 && characters + size > BATCH_CHARACTERS)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(event);
    characters += size;
  }
  if (batch.length > 0) yield batch;
}

/** About how much text an event carries. */
export function eventSize(event: CatalogEvent): number {
  if (event.type === "delete") return event.externalId.length;
  const { title, description = "", attributes, photos } = event.product;
  let size = title.length + description.length + 200;
  for (const values of Object.values(attributes)) for (const value of values) size += value.length;
  for (const { url } of photos) size += url.length;
  return size;
}

/** @throws BadUserInput when the event breaks the rules of product-rules.ts */
export function assertEvent(event: CatalogEvent): void {
  if (event.type === "upsert") assertProduct(event.product);
  const problem = event.type === "delete" ? externalIdProblem(event.externalId) : undefined;
  if (problem) throw new BadUserInput(problem.reason, [problem.field]);
}
