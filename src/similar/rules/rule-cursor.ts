import { crc32 } from "node:zlib";
import { BadUserInput } from "../../errors.js";

/** Where a page of a list with pins begins. */
export interface RuledPlace {
  /** Items before it, pins counted. */
  readonly shown: number;
  /** When the list without pins has ended: the position of the last pin that was shown after its end. */
  readonly last?: number;
  /** The list without pins goes on after this; absent: from its beginning. */
  readonly inner?: string;
}

const HEADER = 7;
const CHECKSUM = 4;
const WHOLE = /^([\w-]{15})\.(.*)$/s;

/** A place as a cursor: our own part, and the inner cursor as it is, which knows by itself what it belongs to. */
export function encodePlace({ shown, last = 0, inner = "" }: RuledPlace): string {
  const buffer = Buffer.alloc(HEADER + CHECKSUM);
  buffer.writeUInt8(1, 0);
  buffer.writeUInt32BE(shown, 1);
  buffer.writeUInt16BE(last, 5);
  buffer.writeUInt32BE(crc32(inner, crc32(buffer.subarray(0, HEADER))), HEADER);
  return `${buffer.toString("base64url")}.${inner}`;
}

/** @throws BadUserInput for a cursor that is not one of ours */
export function decodePlace(cursor: string): RuledPlace {
  const [, own = "", inner = ""] = WHOLE.exec(cursor) ?? [];
  const buffer = Buffer.from(own, "base64url");
  const whole = buffer.length === HEADER + CHECKSUM && buffer.toString("base64url") === own;
  if (!whole || buffer.readUInt32BE(HEADER) !== crc32(inner, crc32(buffer.subarray(0, HEADER)))) {
    throw new BadUserInput(
      "The cursor does not belong to this search. Give the cursor of one of its edges, with the same filter and options, or none.",
      ["after"],
    );
  }
  const last = buffer.readUInt16BE(5);
  return {
    shown: buffer.readUInt32BE(1),
    ...(last === 0 ? {} : { last }),
    ...(inner === "" ? {} : { inner }),
  };
}
