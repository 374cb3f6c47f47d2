import { createHash, createHmac } from "node:crypto";
import { parseProductId } from "../catalog/products/product-id.js";
import type { Sql } from "../database/database.type.js";
import { BadUserInput, LookalikeError } from "../errors.js";
import { type AttributionTokens, CLOCK_LEEWAY_MS } from "./attribution.js";
import type {
  Attribution,
  InteractionEvent,
  InteractionRow,
  RecordedInteractions,
  RefusedEvent,
} from "./interaction.type.js";
import { AttributionInvalid, InteractionProductUnknown } from "./interactions.errors.js";
import { existingProducts, insertInteractions } from "./interactions.repository.js";
import { createServerSecret } from "./server-secrets.js";

export const MOST_EVENTS = 500;
export const MOST_ROWS = 2_000;
export const LONGEST_VISITOR = 200;
/** 128 bits of a hash: no two visitors or events of a shop will ever have the same. */
const HASH_BYTES = 16;

export interface RecordInteractionsDependencies {
  readonly sql: Sql;
  readonly tokens: AttributionTokens;
  readonly clock?: () => Date;
}

export interface RecordContext {
  /** Key of the visitor who sends, for events that name none. */
  readonly visitor?: string;
  /** Finds products by what another server calls them, in the order asked. */
  readonly findReferences: (references: readonly string[]) => Promise<(bigint | Error | undefined)[]>;
}

/**
 * Keeps what shoppers did. Events that are wrong are told and the others kept; all of them are one statement.
 * @throws BadUserInput for more than 500 events or 2,000 products at once
 */
export type RecordInteractions = (
  events: readonly InteractionEvent[],
  context: RecordContext,
) => Promise<RecordedInteractions>;

export function createRecordInteractions({
  sql,
  tokens,
  clock = () => new Date(),
}: RecordInteractionsDependencies): RecordInteractions {
  const salt = createServerSecret(sql, "visitor");
  return async (events, { visitor: sender, findReferences }) => {
    checkAmount(events);
    const refused: RefusedEvent[] = [];
    const now = clock();
    const readable: { event: InteractionEvent; place: number; attribution: Attribution; at: Date }[] = [];
    for (const [place, event] of events.entries()) {
      try {
        const attribution = await tokens.read(event.attributionToken);
        const at = event.at ?? now;
        checkEvent(event, attribution, at, now);
        readable.push({ event, place, attribution, at });
      } catch (error) {
        if (!(error instanceof LookalikeError)) throw error;
        const field = error instanceof BadUserInput ? error.field : ["attributionToken"];
        refused.push({ path: [String(place), ...field], error: withoutField(error) });
      }
    }
    const models = await knownModels(
      sql,
      readable.map(({ attribution }) => attribution.modelId),
    );
    const products = await findProducts(
      sql,
      readable.flatMap(({ event }) => event.productIds),
      findReferences,
    );
    const key = await salt();
    const rows = readable.flatMap(({ event, place, attribution, at }): InteractionRow[] => {
      if (!models.has(attribution.modelId)) {
        refused.push({ path: [String(place), "attributionToken"], error: new AttributionInvalid() });
        return [];
      }
      const visitor = event.visitor ?? sender;
      const common = {
        kind: event.kind,
        attribution,
        at,
        answer: createHash("sha256").update(event.attributionToken).digest().subarray(0, HASH_BYTES),
        visitor: visitor === undefined ? undefined : hashWith(key, visitor),
        event: event.eventId === undefined ? undefined : hashWith(key, event.attributionToken, event.eventId),
      };
      return event.productIds.flatMap((reference, position) => {
        const productId = products.get(reference);
        if (productId !== undefined) return [{ ...common, productId }];
        const error = new InteractionProductUnknown(reference);
        refused.push({ path: [String(place), "productIds", String(position)], error });
        return [];
      });
    });
    const recorded = await insertInteractions(sql, rows);
    return { recorded, repeated: rows.length - recorded, refused: refused.sort(byPlace) };
  };
}

/** @throws BadUserInput */
function checkAmount(events: readonly InteractionEvent[]): void {
  const rows = events.reduce((sum, { productIds }) => sum + productIds.length, 0);
  if (events.length === 0 || events.length > MOST_EVENTS || rows > MOST_ROWS) {
    throw new BadUserInput(`Send 1 to ${MOST_EVENTS} events with ${MOST_ROWS} products together at most.`, ["events"]);
  }
}

/** @throws BadUserInput naming the field */
function checkEvent(event: InteractionEvent, { answeredAt }: Attribution, at: Date, now: Date): void {
  if (event.productIds.length === 0) throw new BadUserInput("Name the product.", ["productIds"]);
  if (!(at.getTime() <= now.getTime() + CLOCK_LEEWAY_MS && at.getTime() >= answeredAt.getTime() - CLOCK_LEEWAY_MS)) {
    throw new BadUserInput("at must lie between the answer and now. Leave it out for now.", ["at"]);
  }
  if (event.visitor !== undefined && (event.visitor === "" || event.visitor.length > LONGEST_VISITOR)) {
    throw new BadUserInput(`visitor must have 1 to ${LONGEST_VISITOR} characters.`, ["visitor"]);
  }
  if (event.eventId !== undefined && (event.eventId === "" || event.eventId.length > 200)) {
    throw new BadUserInput("eventId must have 1 to 200 characters.", ["eventId"]);
  }
}

/** The path is told already. */
function withoutField(error: LookalikeError): LookalikeError {
  return error instanceof BadUserInput ? new BadUserInput(error.message, [], { cause: error }) : error;
}

function hashWith(key: Buffer, ...parts: readonly string[]): Buffer {
  return createHmac("sha256", key).update(JSON.stringify(parts)).digest().subarray(0, HASH_BYTES);
}

/** A token outlives a database that was put back to an earlier day, and its model with it. */
async function knownModels(sql: Sql, ids: readonly number[]): Promise<Set<number>> {
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ id: number }>("SELECT id FROM model_version WHERE id = ANY($1::bigint[])", [
    [...new Set(ids)].map(String),
  ]);
  return new Set(rows.map(({ id }) => id));
}

async function findProducts(
  sql: Sql,
  references: readonly string[],
  findReferences: RecordContext["findReferences"],
): Promise<Map<string, bigint>> {
  const own = new Map<string, bigint>();
  const others = new Set<string>();
  for (const reference of references) {
    const id = parseProductId(reference);
    if (id === undefined) others.add(reference);
    else own.set(reference, id);
  }
  const [existing, found] = await Promise.all([
    existingProducts(sql, [...own.values()]),
    others.size === 0 ? [] : findReferences([...others]),
  ]);
  const products = new Map([...own].filter(([, id]) => existing.has(id)));
  for (const [place, reference] of [...others].entries()) {
    const id = found[place];
    if (typeof id === "bigint") products.set(reference, id);
  }
  return products;
}

function byPlace(left: RefusedEvent, right: RefusedEvent): number {
  return Number(left.path[0]) - Number(right.path[0]);
}
