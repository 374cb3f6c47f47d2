import type { ProductReference } from "../similar/similar-items.type.js";

export const INTERACTION_KINDS = ["IMPRESSION", "CLICK", "CART", "PURCHASE"] as const;
export type InteractionKind = (typeof INTERACTION_KINDS)[number];

/** The place of a visitor's variant: its model answered. */
export interface VariantPlace {
  readonly experimentId: number;
  /** From 0; the first is the control. */
  readonly variant: number;
}

/** What an answer's token carries; nothing of the shopper. */
export interface Attribution {
  readonly modelId: number;
  /** The product asked for, the first of several; none for a picture. */
  readonly seedProductId?: bigint;
  readonly experiment?: VariantPlace;
  /** To the second. */
  readonly answeredAt: Date;
}

/** One thing that a shopper did, with one or more products of one answer. */
export interface InteractionEvent {
  readonly kind: InteractionKind;
  readonly productIds: readonly ProductReference[];
  readonly attributionToken: string;
  /** The sender's own id: an event that is sent again is counted once. */
  readonly eventId?: string;
  /** Left out: now. */
  readonly at?: Date;
  readonly visitor?: string;
}

/** An event that was not kept, or a product of one. */
export interface RefusedEvent {
  /** Path below the list of events. */
  readonly path: readonly string[];
  readonly error: Error;
}

export interface RecordedInteractions {
  /** Rows that are new: one a product of an event. */
  readonly recorded: number;
  /** Rows that were there already, by their event id. */
  readonly repeated: number;
  readonly refused: readonly RefusedEvent[];
}

/** One row, as it is written. */
export interface InteractionRow {
  readonly kind: InteractionKind;
  readonly productId: bigint;
  readonly attribution: Attribution;
  readonly answer: Buffer;
  readonly visitor: Buffer | undefined;
  readonly event: Buffer | undefined;
  readonly at: Date;
}

/** Successes among trials, with Wilson's 95 % interval. */
export interface Rate {
  readonly successes: number;
  readonly trials: number;
  /** 0 … 1; undefined without trials, as are the bounds. */
  readonly share?: number;
  readonly low?: number;
  readonly high?: number;
}

/** What came of the answers of a model or variant. */
export interface InteractionCounts {
  /** Events by kind, one a product. */
  readonly impressions: number;
  readonly clicks: number;
  readonly carts: number;
  readonly purchases: number;
  /** Different visitors who were shown something, of those whose key was sent. */
  readonly visitors: number;
  /** Of the products shown (one answer, product and visitor is one): those with such an event. */
  readonly perItem: InteractionRates;
  /** Of the visitors who were shown something: those with such an event. */
  readonly perVisitor: InteractionRates;
}

export interface InteractionRates {
  readonly clicks: Rate;
  readonly carts: Rate;
  readonly purchases: Rate;
}
