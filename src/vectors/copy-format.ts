import { endianness } from "node:os";
import type { Database } from "../database/database.type.js";
import { toHalves } from "./half-floats.js";

const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");

/** Rows of one chunk: the server reads one while the next is encoded. */
const ROWS = 256;

/**
 * Rows of (model_id, blob_id, vec) in the format of COPY … (FORMAT binary): a header, each field after its length, and a
 * closing −1. Vectors are written as the column has them, because COPY casts nothing.
 */
export function* encodeCopy(
  modelId: number,
  rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
  type: Database["vectorType"],
): Generator<Buffer> {
  // No flags, no header extension.
  yield Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
  for (let at = 0; at < rows.length; at += ROWS) yield encodeRows(modelId, rows.slice(at, at + ROWS), type);
  yield Buffer.of(0xff, 0xff);
}

function encodeRows(
  modelId: number,
  rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
  type: Database["vectorType"],
): Buffer {
  const width = type === "halfvec" ? 2 : 4;
  const buffer = Buffer.allocUnsafe(rows.reduce((sum, { vector }) => sum + 30 + width * vector.length, 0));
  let at = 0;
  for (const { blobId, vector } of rows) {
    at = buffer.writeInt16BE(3, at);
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(modelId, at);
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeBigInt64BE(blobId, at);
    at = buffer.writeInt32BE(4 + width * vector.length, at);
    at = buffer.writeUInt16BE(vector.length, at);
    at = buffer.writeUInt16BE(0, at);
    const bytes = width === 2 ? swapped(toHalves(vector), 16) : swapped(vector.slice(), 32);
    at += bytes.copy(buffer, at);
  }
  return buffer;
}

/** The network's byte order. */
function swapped({ buffer, byteOffset, byteLength }: Uint16Array | Float32Array, bits: 16 | 32): Buffer {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  if (endianness() === "BE") return bytes;
  return bits === 16 ? bytes.swap16() : bytes.swap32();
}
