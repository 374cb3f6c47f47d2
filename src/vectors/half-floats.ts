const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** A vector as half-precision bits in the machine's own byte order. */
export function toHalves(vector: Float32Array): Uint16Array {
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  const halves = new Uint16Array(vector.length);
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const magnitude = word & 0x7fffffff;
    // Normal halves, which nearly all parts of a unit vector are: rounded to even by adding, shifted by one exponent bias.
    halves[at] =
      magnitude >= 0x38800000 && magnitude < 0x477ff000
        ? ((word >>> 16) & 0x8000) | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13)
        : halfBits(vector[at]!);
  }
  return halves;
}

/**
 * IEEE 754 half-precision bits of a number, rounded to the nearest, ties to even: what pgvector makes of a float that it
 * casts to halfvec. Too large becomes infinity, which a halfvec refuses; a unit vector has nothing above 1.
 */
export function halfBits(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 127;
  const mantissa = word & 0x7fffff;
  if (exponent >= 16) return sign | (exponent === 128 && mantissa !== 0 ? 0x7e00 : 0x7c00);
  if (exponent >= -14) return sign + roundedShift(((exponent + 15) << 23) | mantissa, 13);
  if (exponent < -25) return sign;
  // Subnormal: the leading one is part of the fraction, moved right by what the exponent lacks.
  return sign + roundedShift(0x800000 | mantissa, -exponent - 1);
}

/** `value >> by`, to the nearest, ties to even. A carry runs into the exponent, as it should. */
function roundedShift(value: number, by: number): number {
  const kept = value >>> by;
  const rest = value & ((1 << by) - 1);
  const half = 1 << (by - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}
