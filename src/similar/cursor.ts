import { createHash } from "node:crypto";
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

/**
 * A place as an opaque cursor. A checksum over it and the conditions of the search tells a cursor that was garbled, or
 * that comes from another search; it is no signature, because a cursor gives access to nothing.
 */
export function encodeCursor(place: Place, conditions: SearchConditions): string {
  const buffer = Buffer.alloc(PAYLOAD + CHECKSUM);
  const start = place.phase === "ranking" ? place.start : undefined;
  buffer.writeUInt8((VERSION << 4) | KINDS.indexOf(place.phase === "ranking" ? place.scan : "newest"), 0);
  // Whether there is a position at all: 0 is a valid rank, and every id is taken.
  buffer.writeUInt8(place.phase === "ranking" ? Number(start !== undefined) : Number(place.after !== undefined), 1);
  buffer.writeUInt16BE(place.phase === "ranking" ? place.offset : 0, 2);
  buffer.writeUInt32BE(place.modelId, 4);
  buffer.writeDoubleBE(start?.rank ?? 0, 8);
  buffer.writeBigInt64BE((place.phase === "ranking" ? start?.productId : place.after) ?? 0n, 16);
  checksum(buffer, conditions).copy(buffer, PAYLOAD);
  return buffer.toString("base64url");
}

/** @throws BadUserInput for a cursor that is not one of this search */
export function decodeCursor(cursor: string, conditions: SearchConditions): Place {
  const buffer = Buffer.from(cursor, "base64url");
  if (
    buffer.length !== PAYLOAD + CHECKSUM ||
    buffer.toString("base64url") !== cursor ||
    !checksum(buffer, conditions).equals(buffer.subarray(PAYLOAD))
  ) {
    throw new BadUserInput(
      "The cursor does not belong to this search. Give the cursor of one of its edges, with the same filter and options, or none.",
      ["after"],
    );
  }
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

function checksum(buffer: Buffer, conditions: SearchConditions): Buffer {
  const search = JSON.stringify(conditions, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
  return createHash("sha256").update(buffer.subarray(0, PAYLOAD)).update(search).digest().subarray(0, CHECKSUM);
}
