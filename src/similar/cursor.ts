import { crc32 } from "node:zlib";
import { BadUserInput } from "../errors.js";
import type { Position, SearchConditions } from "../vectors/vectors.type.js";

/** Where a page begins: inside a window of the ranking, or among the newest products after it. */
export type Place =
  | {
      readonly modelId: number;
      readonly phase: "ranking";
      readonly scan: "exact" | "hnsw";
      readonly start?: Position;
      readonly offset: number;
    }
  | { readonly modelId: number; readonly phase: "newest"; readonly after?: bigint };

const VERSION = 1;
const KINDS = ["exact", "hnsw", "newest"] as const;
const PAYLOAD = 24;
const CHECKSUM = 4;

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
export function createCursors(conditions: SearchConditions): Cursors {
  const search = crc32(
    JSON.stringify(conditions, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)),
  );
  const checksum = (buffer: Buffer): number => crc32(buffer.subarray(0, PAYLOAD), search);
  return {
    encode(place) {
      const buffer = Buffer.alloc(PAYLOAD + CHECKSUM);
      writePlace(place, buffer);
      buffer.writeUInt32BE(checksum(buffer), PAYLOAD);
      return buffer.toString("base64url");
    },
    decode(cursor) {
      const buffer = Buffer.from(cursor, "base64url");
      const whole = buffer.length === PAYLOAD + CHECKSUM && buffer.toString("base64url") === cursor;
      if (!whole || buffer.readUInt32BE(PAYLOAD) !== checksum(buffer)) {
        throw new BadUserInput(
          "The cursor does not belong to this search. Give the cursor of one of its edges, with the same filter and options, or none.",
          ["after"],
        );
      }
      return readPlace(buffer);
    },
  };
}

/**
 * The model version that a cursor's page is of, before it is known whether the cursor is one of the search: a picture has
 * to be embedded with that model. Undefined for what cannot be a cursor.
 */
export function modelOfCursor(cursor: string): number | undefined {
  const buffer = Buffer.from(cursor, "base64url");
  return buffer.length === PAYLOAD + CHECKSUM ? readPlace(buffer).modelId : undefined;
}

function writePlace(place: Place, buffer: Buffer): void {
  const ranking = place.phase === "ranking";
  const id = ranking ? place.start?.productId : place.after;
  buffer.writeUInt8((VERSION << 4) | KINDS.indexOf(ranking ? place.scan : "newest"), 0);
  // Whether there is a position at all: 0 is a valid rank, and every id is taken.
  buffer.writeUInt8(id === undefined ? 0 : 1, 1);
  buffer.writeUInt16BE(ranking ? place.offset : 0, 2);
  buffer.writeUInt32BE(place.modelId, 4);
  buffer.writeDoubleBE(ranking ? (place.start?.rank ?? 0) : 0, 8);
  buffer.writeBigInt64BE(id ?? 0n, 16);
}

function readPlace(buffer: Buffer): Place {
  const kind = KINDS[buffer.readUInt8(0) & 0xf];
  const modelId = buffer.readUInt32BE(4);
  const productId = buffer.readUInt8(1) === 1 ? buffer.readBigInt64BE(16) : undefined;
  if (kind === "newest") return { modelId, phase: "newest", ...(productId === undefined ? {} : { after: productId }) };
  return {
    modelId,
    phase: "ranking",
    scan: kind ?? "exact",
    offset: buffer.readUInt16BE(2),
    ...(productId === undefined ? {} : { start: { rank: buffer.readDoubleBE(8), productId } }),
  };
}
