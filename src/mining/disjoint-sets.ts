/** Which things belong together, by pairs that do. */
export class DisjointSets {
  private readonly parents: Int32Array;

  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, place) => place);
  }

  /** The earliest member of its set. */
  find(place: number): number {
    let root = place;
    while (this.parents[root] !== root) root = this.parents[root]!;
    for (let at = place; at !== root; ) {
      const next = this.parents[at]!;
      this.parents[at] = root;
      at = next;
    }
    return root;
  }

  join(left: number, right: number): void {
    const [one, other] = [this.find(left), this.find(right)];
    this.parents[Math.max(one, other)] = Math.min(one, other);
  }

  /** A number for each set of two or more, in order of their first members; −1 for single things. */
  numbered(): Int32Array {
    const sizes = new Int32Array(this.parents.length);
    for (const place of sizes.keys()) sizes[this.find(place)]! += 1;
    const numbers = new Int32Array(this.parents.length).fill(-1);
    let next = 0;
    for (const place of numbers.keys()) {
      const root = this.find(place);
      if (sizes[root] === 1) continue;
      if (root === place) numbers[place] = next++;
      else numbers[place] = numbers[root]!;
    }
    return numbers;
  }
}
