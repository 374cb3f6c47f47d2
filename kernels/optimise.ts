// AssemblyScript (not TypeScript): compiled to WebAssembly SIMD by kernels/compile.mjs and committed as
// src/training/optimisers/optimise-kernel.wasm.ts, so that nobody needs the compiler to build or to run the program.

// One pass over flat arrays of 32-bit floats in the imported memory, four at a time. Addresses are byte offsets and
// multiples of 16; `count` is a multiple of 4. Every element is worked out alone, so every machine gives the same bits.

/** m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  w ← kept · w − reach · m / (√v · scale + ε). */
export function adamw(
  weights: usize,
  gradient: usize,
  first: usize,
  second: usize,
  count: i32,
  beta1: f32,
  beta2: f32,
  kept: f32,
  reach: f32,
  scale: f32,
  epsilon: f32,
): void {
  const b1 = f32x4.splat(beta1);
  const n1 = f32x4.splat(1 - beta1);
  const b2 = f32x4.splat(beta2);
  const n2 = f32x4.splat(1 - beta2);
  const k = f32x4.splat(kept);
  const r = f32x4.splat(reach);
  const s = f32x4.splat(scale);
  const e = f32x4.splat(epsilon);
  const end = <usize>count << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const g = v128.load(gradient + at);
    const m = f32x4.add(f32x4.mul(b1, v128.load(first + at)), f32x4.mul(n1, g));
    const v = f32x4.add(f32x4.mul(b2, v128.load(second + at)), f32x4.mul(n2, f32x4.mul(g, g)));
    v128.store(first + at, m);
    v128.store(second + at, v);
    const move = f32x4.div(f32x4.mul(r, m), f32x4.add(f32x4.mul(f32x4.sqrt(v), s), e));
    v128.store(weights + at, f32x4.sub(f32x4.mul(k, v128.load(weights + at)), move));
  }
}

/** v ← μv + g + λw,  w ← w − ηv. */
export function sgd(
  weights: usize,
  gradient: usize,
  velocity: usize,
  count: i32,
  rate: f32,
  momentum: f32,
  decay: f32,
): void {
  const n = f32x4.splat(rate);
  const u = f32x4.splat(momentum);
  const d = f32x4.splat(decay);
  const end = <usize>count << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const w = v128.load(weights + at);
    const slope = f32x4.add(v128.load(gradient + at), f32x4.mul(d, w));
    const v = f32x4.add(f32x4.mul(u, v128.load(velocity + at)), slope);
    v128.store(velocity + at, v);
    v128.store(weights + at, f32x4.sub(w, f32x4.mul(n, v)));
  }
}

/** a ← kept · a + (1 − kept) · w. */
export function average(averages: usize, weights: usize, count: i32, kept: f32): void {
  const k = f32x4.splat(kept);
  const n = f32x4.splat(1 - kept);
  const end = <usize>count << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const a = f32x4.mul(k, v128.load(averages + at));
    v128.store(averages + at, f32x4.add(a, f32x4.mul(n, v128.load(weights + at))));
  }
}

/** x ← share · x. */
export function scale(values: usize, count: i32, share: f32): void {
  const s = f32x4.splat(share);
  const end = <usize>count << 2;
  for (let at: usize = 0; at < end; at += 16) v128.store(values + at, f32x4.mul(s, v128.load(values + at)));
}

/** Σx², summed in 64 bits. */
export function squares(values: usize, count: i32): f64 {
  let low = f64x2.splat(0);
  let high = low;
  const end = <usize>count << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const x = v128.load(values + at);
    const a = f64x2.promote_low_f32x4(x);
    const b = f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
