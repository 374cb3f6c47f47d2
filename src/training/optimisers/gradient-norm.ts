/** √Σg² over everything. Not finite when one element is not. */
export function globalNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < gradient.length; index++) {
    const slope = gradient[index] as number;
    sum += slope * slope;
  }
  return Math.sqrt(sum);
}

/** Shortens a gradient to `limit` where it is longer (Pascanu et al. 2013). */
export function clipToNorm(gradient: Float32Array, norm: number, limit: number): void {
  if (!(norm > limit)) return;
  const share = limit / norm;
  for (let index = 0; index < gradient.length; index++) gradient[index] = (gradient[index] as number) * share;
}
