const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

/** IEEE 754 half precision (16 bits) → number. Exact. */
export function numberFromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** number → IEEE 754 half precision, to nearest, ties to even. */
export function float16FromNumber(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundTiesToEven(size * 2 ** 24);
  single[0] = size;
  let exponent = ((word[0] as number) >>> 23) - 127;
  // float32 may have rounded up to the next power of two; the fraction below is taken from the number itself.
  if (2 ** exponent > size) exponent -= 1;
  return sign | (((exponent + 15) << 10) + roundTiesToEven((size / 2 ** exponent - 1) * 1024));
}

/** bfloat16 is the upper half of a float32. */
export function numberFromBfloat16(bits: number): number {
  word[0] = bits << 16;
  return single[0] as number;
}

/** number → bfloat16, to nearest, ties to even. */
export function bfloat16FromNumber(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  single[0] = value;
  const bits = word[0] as number;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Integer → int64, saturating: 2^63 stands for INT64_MAX (see `Attribute`). */
export function integerToInt64(value: number): bigint {
  const whole = Math.trunc(value);
  if (whole >= 2 ** 63) return 2n ** 63n - 1n;
  if (whole <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(whole);
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}
