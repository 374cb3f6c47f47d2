/**
 * pgvector's binary form of `vector`: dimensions and a reserved zero as uint16, then big-endian float32. Sent for
 * `halfvec` columns too and rounded by the server, which spares a float16 encoder here.
 */
export function encodeVector(vector: Float32Array): Buffer {
  const buffer = Buffer.allocUnsafe(4 + 4 * vector.length);
  buffer.writeUInt16BE(vector.length, 0);
  buffer.writeUInt16BE(0, 2);
  const view = new DataView(buffer.buffer, buffer.byteOffset + 4);
  for (let at = 0; at < vector.length; at++) view.setFloat32(4 * at, vector[at]!);
  return buffer;
}

/** The same, read. */
export function decodeVector(buffer: Buffer): Float32Array {
  const vector = new Float32Array(buffer.readUInt16BE(0));
  const view = new DataView(buffer.buffer, buffer.byteOffset + 4);
  for (let at = 0; at < vector.length; at++) vector[at] = view.getFloat32(4 * at);
  return vector;
}
