// AssemblyScript (not TypeScript): compiled to WebAssembly SIMD by kernels/compile.mjs and committed as
// src/embedding/resample-kernel.wasm.ts, so that nobody needs the compiler to build or to run the program.

/**
 * Resizes 8-bit RGB with a triangle filter, normalises, and writes float32 planes or pixels: one pass over the photo.
 * Down the columns in 14-bit fixed point, two rows at a time (i32x4.dot), then along the row in float32. Products and
 * sums are in a fixed order without fused steps, so every machine gives the same bits.
 *
 * All addresses are byte offsets in the imported memory. `pixels` needs `rowBytes + 16` readable bytes after its end,
 * `scratch` room for `rowBytes + 32` floats, of which the last 32 are finite.
 */
export function resample(
  pixels: usize,
  rowBytes: i32,
  // Per output row: first source row, pairs of source rows, and weights as pairs of int16 (sum 16384).
  rowStart: usize,
  rowPairs: usize,
  rowWeights: usize,
  rowWeightStride: i32,
  // Per output column: first source column, and float32 weights (sum 1 / 16384), padded with noughts to whole fours.
  columnStart: usize,
  columnWeights: usize,
  columnWeightStride: i32,
  scratch: usize,
  out: usize,
  rows: i32,
  columns: i32,
  // Bytes from one output row, pixel and channel to the next: NCHW and NHWC differ only in these.
  outRow: i32,
  outPixel: i32,
  outChannel: i32,
  scaleR: f32,
  scaleG: f32,
  scaleB: f32,
  shiftR: f32,
  shiftG: f32,
  shiftB: f32,
): void {
  const scale = f32x4(scaleR, scaleG, scaleB, 0);
  const shift = f32x4(shiftR, shiftG, shiftB, 0);
  for (let y = 0; y < rows; y++) {
    const pairs = load<i32>(rowPairs + (<usize>y << 2));
    const first = pixels + <usize>(load<i32>(rowStart + (<usize>y << 2)) * rowBytes);
    const weights = rowWeights + <usize>(y * rowWeightStride);
    for (let i = 0; i < rowBytes; i += 16) {
      let sum0 = i32x4.splat(0);
      let sum1 = sum0;
      let sum2 = sum0;
      let sum3 = sum0;
      let at = first + <usize>i;
      for (let pair = 0; pair < pairs; pair++) {
        const weight = v128.load32_splat(weights + (<usize>pair << 2));
        const upper = v128.load(at);
        const lower = v128.load(at + <usize>rowBytes);
        const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(left), weight));
        sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(left), weight));
        sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(right), weight));
        sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(right), weight));
        at += <usize>(rowBytes << 1);
      }
      const to = scratch + (<usize>i << 2);
      v128.store(to, f32x4.convert_i32x4_s(sum0));
      v128.store(to, f32x4.convert_i32x4_s(sum1), 16);
      v128.store(to, f32x4.convert_i32x4_s(sum2), 32);
      v128.store(to, f32x4.convert_i32x4_s(sum3), 48);
    }
    let to = out + <usize>(y * outRow);
    for (let x = 0; x < columns; x++) {
      let sum = f32x4.splat(0);
      let at = scratch + <usize>load<i32>(columnStart + (<usize>x << 2)) * 12;
      let weight = columnWeights + <usize>(x * columnWeightStride);
      // Four at a time: what shrinks by less than two has no more.
      const end = weight + <usize>columnWeightStride;
      for (; weight < end; weight += 16) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(at), v128.load32_splat(weight)));
        sum = f32x4.add(sum, f32x4.mul(v128.load(at, 12), v128.load32_splat(weight, 4)));
        sum = f32x4.add(sum, f32x4.mul(v128.load(at, 24), v128.load32_splat(weight, 8)));
        sum = f32x4.add(sum, f32x4.mul(v128.load(at, 36), v128.load32_splat(weight, 12)));
        at += 48;
      }
      sum = f32x4.add(f32x4.mul(sum, scale), shift);
      store<f32>(to, f32x4.extract_lane(sum, 0));
      store<f32>(to + <usize>outChannel, f32x4.extract_lane(sum, 1));
      store<f32>(to + <usize>(outChannel << 1), f32x4.extract_lane(sum, 2));
      to += <usize>outPixel;
    }
  }
}
