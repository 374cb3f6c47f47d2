const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

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
