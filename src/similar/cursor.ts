import { crc32 } from "node:zlib";
import { BadUserInput } from "../errors.js";
import type { Popularity, Position, SearchConditions } from "../vectors/vectors.type.js";

/** Where a page begins: inside a window of the ranking, or among what fills the list after it. */
export type Place = {
  readonly modelId: number;
  /** Steps outwards from the seed's category. */
  readonly level: number;
  /** Items on the pages before. */
  readonly shown: number;
  /** Largest distance shown, kept because the scale of the scores may be measured again between two pages. */
  readonly maxDistance?: number;
} & (
  | {
      readonly phase: "ranking";
      readonly scan: "exact" | "hnsw";
      /** Bounds of the window; without an end it is the last one. */
      readonly start?: Position;
      readonly end?: Position;
      /** The last item shown of it, by its place in the window's order; absent before the first one. */
      readonly after?: Position;
      /** Items of this window on the pages before. */
      readonly offset: number;
    }
  | { readonly phase: "fallback"; readonly after?: Popularity }
);

/** What a cursor belongs to: all that makes one search another one. */
export interface CursorSearch {
  readonly conditions: Omit<SearchConditions, "maxDistance">;
  readonly minScore?: number;
  readonly diversity?: number;
}

export type RankingPlace = Extract<Place, { phase: "ranking" }>;

const VERSION = 2;
const KINDS = ["exact", "hnsw", "fallback"] as const;
/** Kind, which of the parts below are there, level, offset, model, shown. */
const HEADER = 12;
/** In the order in which they are written. */
const PARTS = ["maxDistance", "start", "end", "after", "afterUnknown"] as const;
const NUMBER = 8;
const CHECKSUM = 4;
const MOST_LEVEL = 255;
const MOST_OFFSET = 65_535;

/** Places of one search as opaque cursors, and back. */
export interface Cursors {
  encode(place: Place): string;
  /** The cursor of an item of a window: at the place `inWindow`, but for how many were shown, and after which. */
  encodeItem(inWindow: RankingPlace, shown: number, offset: number, after: Position | undefined): string;
  /** @throws BadUserInput for a cursor that is not one of this search */
  decode(cursor: string): Place;
}

/**
 * A checksum over the place and the conditions of the search tells a cursor that was garbled, or that comes from
 * another search. It is no signature, because a cursor gives access to nothing.
 */
export function createCursors(search: CursorSearch): Cursors {
  let seed: number | undefined;
  const checksum = (bytes: Buffer): number => {
    seed ??= crc32(JSON.stringify(search, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)));
    return crc32(bytes, seed);
  };
  const sealed = (end: number): string => {
    scratch.writeUInt32BE(checksum(scratch.subarray(0, end)), end);
    return scratch.toString("base64url", 0, end + CHECKSUM);
  };
  return {
    encode: (place) => sealed(writePlace(place, place.shown, offsetOf(place), place.after)),
    encodeItem: (inWindow, shown, offset, after) => sealed(writePlace(inWindow, shown, offset, after)),
    decode(cursor) {
      const place = readPlace(cursor, checksum);
      if (place !== undefined) return place;
      throw new BadUserInput(
        "The cursor does not belong to this search. Give the cursor of one of its edges, with the same filter and options, or none.",
        ["after"],
      );
    },
  };
}

/**
 * The model version that a cursor's page is of, before it is known whether the cursor is one of the search: a picture has
 * to be embedded with that model. Undefined for what cannot be a cursor.
 */
export function modelOfCursor(cursor: string): number | undefined {
  return readPlace(cursor, undefined)?.modelId;
}

/** Cursors are written here and copied as text. A buffer of its own for each would keep the garbage collector busy. */
const scratch = Buffer.alloc(HEADER + NUMBER * 7 + CHECKSUM);

/** Bits of the parts, in the order of `PARTS`. */
const [MAX_DISTANCE, START, END, AFTER, AFTER_UNKNOWN] = [1, 2, 4, 8, 16] as const;

const offsetOf = (place: Place): number => (place.phase === "ranking" ? place.offset : 0);

/** @returns where the checksum belongs */
function writePlace(place: Place, shown: number, offset: number, after: Position | Popularity | undefined): number {
  let parts = 0;
  let at = HEADER;
  const write = (part: number, number: number | undefined, id?: bigint): void => {
    parts |= part;
    if (number !== undefined) at = scratch.writeDoubleBE(number, at);
    if (id !== undefined) at = scratch.writeBigInt64BE(id, at);
  };
  if (place.maxDistance !== undefined) write(MAX_DISTANCE, place.maxDistance);
  if (place.phase === "ranking") {
    if (place.start) write(START, place.start.rank, place.start.productId);
    if (place.end) write(END, place.end.rank, place.end.productId);
  }
  if (after !== undefined) {
    const value = "rank" in after ? after.rank : after.score;
    write(value === undefined ? AFTER_UNKNOWN : AFTER, value, after.productId);
  }
  scratch[0] = (VERSION << 4) | KINDS.indexOf(place.phase === "ranking" ? place.scan : "fallback");
  scratch[1] = parts;
  scratch[2] = Math.min(place.level, MOST_LEVEL);
  scratch.writeUInt16BE(Math.min(offset, MOST_OFFSET), 3);
  // 24 bits: sixteen million items are more than anybody pages through.
  scratch.writeUIntBE(Math.min(shown, 0xffffff), 5, 3);
  scratch.writeUInt32BE(place.modelId, 8);
  return at;
}

/** Undefined for what is no cursor, or with a `checksum` not one of its search. */
function readPlace(cursor: string, checksum: ((bytes: Buffer) => number) | undefined): Place | undefined {
  const buffer = Buffer.from(cursor, "base64url");
  if (buffer.length < HEADER + CHECKSUM || buffer.toString("base64url") !== cursor) return undefined;
  const parts = buffer.readUInt8(1);
  const has = (name: (typeof PARTS)[number]): boolean => (parts & (1 << PARTS.indexOf(name))) !== 0;
  const numbers = PARTS.reduce((sum, name) => sum + (has(name) ? NUMBERS_OF[name] : 0), 0);
  if (parts >= 1 << PARTS.length || buffer.length !== HEADER + NUMBER * numbers + CHECKSUM) return undefined;
  const sum = buffer.readUInt32BE(buffer.length - CHECKSUM);
  if (checksum !== undefined && checksum(buffer.subarray(0, -CHECKSUM)) !== sum) return undefined;
  const kind = KINDS[buffer.readUInt8(0) & 0xf];
  if (kind === undefined || buffer.readUInt8(0) >> 4 !== VERSION) return undefined;

  let at = HEADER;
  const next = (): number => {
    at += NUMBER;
    return at - NUMBER;
  };
  const position = (): Position => ({ rank: buffer.readDoubleBE(next()), productId: buffer.readBigInt64BE(next()) });
  const common = {
    modelId: buffer.readUInt32BE(8),
    level: buffer.readUInt8(2),
    shown: buffer.readUIntBE(5, 3),
    ...(has("maxDistance") ? { maxDistance: buffer.readDoubleBE(next()) } : {}),
  };
  if (kind !== "fallback") {
    return {
      ...common,
      phase: "ranking",
      scan: kind,
      offset: buffer.readUInt16BE(3),
      ...(has("start") ? { start: position() } : {}),
      ...(has("end") ? { end: position() } : {}),
      ...(has("after") ? { after: position() } : {}),
    };
  }
  if (has("afterUnknown")) return { ...common, phase: "fallback", after: { productId: buffer.readBigInt64BE(next()) } };
  if (!has("after")) return { ...common, phase: "fallback" };
  const { rank, productId } = position();
  return { ...common, phase: "fallback", after: { score: rank, productId } };
}

/** Numbers of eight bytes that a part takes. */
const NUMBERS_OF: Readonly<Record<(typeof PARTS)[number], number>> = {
  maxDistance: 1,
  start: 2,
  end: 2,
  after: 2,
  afterUnknown: 1,
};
