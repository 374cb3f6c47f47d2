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

const VERSION = 2;
const KINDS = ["exact", "hnsw", "fallback"] as const;
/** Kind, which of the parts below are there, level, offset, model, shown. */
const HEADER = 12;
const PARTS = ["maxDistance", "start", "end", "after", "afterUnknown"] as const;
const NUMBER = 8;
const CHECKSUM = 4;
const MOST_LEVEL = 255;
const MOST_OFFSET = 65_535;

/** Places of one search as opaque cursors, and back. */
export interface Cursors {
  encode(place: Place): string;
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
  return {
    encode(place) {
      const buffer = writePlace(place);
      buffer.writeUInt32BE(checksum(buffer.subarray(0, -CHECKSUM)), buffer.length - CHECKSUM);
      return buffer.toString("base64url");
    },
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

function writePlace(place: Place): Buffer {
  const ranking = place.phase === "ranking" ? place : undefined;
  const { after } = place;
  const numbers: (number | bigint)[] = [];
  let parts = 0;
  const part = (name: (typeof PARTS)[number], ...values: (number | bigint)[]): void => {
    parts |= 1 << PARTS.indexOf(name);
    numbers.push(...values);
  };
  if (place.maxDistance !== undefined) part("maxDistance", place.maxDistance);
  if (ranking?.start) part("start", ranking.start.rank, ranking.start.productId);
  if (ranking?.end) part("end", ranking.end.rank, ranking.end.productId);
  if (after !== undefined && "rank" in after) part("after", after.rank, after.productId);
  else if (after?.score !== undefined) part("after", after.score, after.productId);
  else if (after !== undefined) part("afterUnknown", after.productId);

  const buffer = Buffer.alloc(HEADER + NUMBER * numbers.length + CHECKSUM);
  buffer.writeUInt8((VERSION << 4) | KINDS.indexOf(ranking?.scan ?? "fallback"), 0);
  buffer.writeUInt8(parts, 1);
  buffer.writeUInt8(Math.min(place.level, MOST_LEVEL), 2);
  buffer.writeUInt16BE(Math.min(ranking?.offset ?? 0, MOST_OFFSET), 3);
  // 24 bits: sixteen million items are more than anybody pages through.
  buffer.writeUIntBE(Math.min(place.shown, 0xffffff), 5, 3);
  buffer.writeUInt32BE(place.modelId, 8);
  for (const [at, value] of numbers.entries()) {
    if (typeof value === "bigint") buffer.writeBigInt64BE(value, HEADER + NUMBER * at);
    else buffer.writeDoubleBE(value, HEADER + NUMBER * at);
  }
  return buffer;
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
