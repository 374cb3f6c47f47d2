/** Which source lines each output line is made of. `weights` sum to 1. */
export interface Tap {
  readonly start: number;
  readonly weights: readonly number[];
}

/**
 * Triangle filter, widened when shrinking so that no source line is skipped: what PIL calls BILINEAR and torchvision
 * bilinear with antialias.
 * @param lines number of source lines
 * @param start,length the stretch of source lines that is shown, may be fractional
 * @param outputs number of output lines
 */
export function triangleTaps(lines: number, start: number, length: number, outputs: number): Tap[] {
  const scale = length / outputs;
  const support = Math.max(1, scale);
  return Array.from({ length: outputs }, (_, output) => {
    const centre = start + (output + 0.5) * scale;
    // Lines whose middle lies strictly inside: those on the border would weigh nothing.
    const first = Math.max(0, Math.floor(centre - support - 0.5) + 1);
    const end = Math.min(lines, Math.ceil(centre + support - 0.5));
    const raw: number[] = [];
    for (let line = first; line < end; line++) raw.push(Math.max(0, 1 - Math.abs((line + 0.5 - centre) / support)));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { start: first, weights: raw.map((weight) => weight / sum) };
  });
}
