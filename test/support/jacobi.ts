/** Eigenpairs of a symmetric matrix by Jacobi's rotations (Golub, Van Loan, 8.5), largest first. For small ones. */
export function jacobi(symmetric: readonly (readonly number[])[]): { value: number; vector: number[] }[] {
  const a = symmetric.map((row) => [...row]);
  const size = a.length;
  const v = a.map((_, row) => a.map((_, column) => Number(row === column)));
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(a[p]![q]!) < 1e-15) continue;
        const tau = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const [kp, kq] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * kp - s * kq;
          a[k]![q] = s * kp + c * kq;
          const [vp, vq] = [v[k]![p]!, v[k]![q]!];
          v[k]![p] = c * vp - s * vq;
          v[k]![q] = s * vp + c * vq;
        }
        for (let k = 0; k < size; k++) {
          const [pk, qk] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * pk - s * qk;
          a[q]![k] = s * pk + c * qk;
        }
      }
    }
  }
  return a
    .map((row, index) => ({ value: row[index]!, vector: v.map((line) => line[index]!) }))
    .sort((left, right) => right.value - left.value);
}
