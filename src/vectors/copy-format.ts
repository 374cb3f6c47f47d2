import { endianness } from "node:os";
import { halvesFromFloats } from "../onnx/half-floats.js";

const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");

/** Rows of one chunk: the server reads one while the next is encoded. */
const ROWS = 256;

/** Bytes of a row before its vector's numbers. */
const HEAD = 30;

/**
 * Rows of (model_id, blob_id, vec) in the format of COPY … (FORMAT binary): a header, each field after its length, and a
 * closing −1. Vectors are written as halfvec, which the column is wherever COPY is used, because COPY casts nothing.
 */
export function* encodeCopy(
  modelId: number,
  rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
): Generator<Buffer> {
  // No flags, no header extension.
  yield Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
  for (let at = 0; at < rows.length; at += ROWS) yield encodeRows(modelId, rows.slice(at, at + ROWS));
  yield Buffer.of(0xff, 0xff);
}

/**
 * All vectors of a chunk are converted in their places and turned to the network's byte order by one call, and the heads
 * are put between them afterwards: a third of the time of a buffer for each vector and `Buffer.write…` for each field.
 */
function encodeRows(
  modelId: number,
  rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
): Buffer {
  const bytes = new ArrayBuffer(rows.reduce((sum, { vector }) => sum + HEAD + 2 * vector.length, 0));
  const halves = new Uint16Array(bytes);
  let at = 0;
  for (const { vector } of rows) {
    halvesFromFloats(vector, halves, (at + HEAD) / 2, "infinity");
    at += HEAD + 2 * vector.length;
  }
  const buffer = Buffer.from(bytes);
  if (endianness() === "LE") buffer.swap16();
  const view = new DataView(bytes);
  at = 0;
  for (const { blobId, vector } of rows) {
    view.setInt16(at, 3);
    view.setInt32(at + 2, 4);
    view.setInt32(at + 6, modelId);
    view.setInt32(at + 10, 8);
    view.setBigInt64(at + 14, blobId);
    view.setInt32(at + 22, 4 + 2 * vector.length);
    view.setUint16(at + 26, vector.length);
    view.setUint16(at + 28, 0);
    at += HEAD + 2 * vector.length;
  }
  return buffer;
}
