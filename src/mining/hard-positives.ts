import { listByLabel } from "./label-lists.js";
import type { UnitVectors } from "./mining.type.js";
import { type PairOptions, visitAnchorsWithin } from "./within-labels.js";

export interface PositiveBand extends PairOptions {
  /** Farther than this, and not farther than that. Cosine distance. */
  readonly beyond: number;
  readonly within: number;
  /** Partners of an anchor. */
  readonly most: number;
}

/** Partners of each photo by place, in one array as in `MinedPools`. */
export interface Partners {
  readonly members: Int32Array;
  readonly start: Int32Array;
}

/**
 * The farthest photos of its own label for each anchor, farthest first, among those of the band.
 * Also the mean similarity of each anchor to the others of its label; 0 where there is none.
 * @param anchors places, of photos with a label
 */
export async function farthestOfLabel(
  vectors: UnitVectors,
  labels: Int32Array,
  anchors: Int32Array,
  { beyond, within, most, ...options }: PositiveBand,
): Promise<Partners & { readonly meanSimilarity: Float32Array }> {
  const farthest = new FarthestLists(labels.length, most);
  const sum = new Float64Array(labels.length);
  const others = new Int32Array(labels.length);
  const visit = (anchor: number, other: number, similarity: number): void => {
    sum[anchor]! += similarity;
    others[anchor]! += 1;
    const distance = 1 - similarity;
    if (distance > beyond && distance <= within) farthest.offer(anchor, other, distance);
  };
  const isAnchor = new Uint8Array(labels.length);
  for (const place of anchors) isAnchor[place] = 1;
  const anchorLists = listByLabel(labels, (place) => isAnchor[place] === 1);
  await visitAnchorsWithin(vectors, listByLabel(labels), anchorLists, visit, options);
  const meanSimilarity = Float32Array.from(sum, (total, place) => (others[place] === 0 ? 0 : total / others[place]!));
  return { ...farthest.partners(), meanSimilarity };
}

/** For each photo a short list of others, farthest first; among equals the earlier place. */
class FarthestLists {
  private readonly places: Int32Array;
  private readonly distances: Float32Array;
  private readonly lengths: Int32Array;

  constructor(
    private readonly photos: number,
    private readonly most: number,
  ) {
    this.places = new Int32Array(photos * most);
    this.distances = new Float32Array(photos * most);
    this.lengths = new Int32Array(photos);
  }

  offer(photo: number, other: number, distance: number): void {
    const from = photo * this.most;
    const length = this.lengths[photo]!;
    const rounded = Math.fround(distance);
    let at = length;
    while (at > 0 && this.comesBefore(rounded, other, from + at - 1)) at -= 1;
    if (at === this.most) return;
    const end = Math.min(length, this.most - 1);
    this.places.copyWithin(from + at + 1, from + at, from + end);
    this.distances.copyWithin(from + at + 1, from + at, from + end);
    this.places[from + at] = other;
    this.distances[from + at] = rounded;
    this.lengths[photo] = end + 1;
  }

  private comesBefore(distance: number, other: number, entry: number): boolean {
    const known = this.distances[entry]!;
    return distance > known || (distance === known && other < this.places[entry]!);
  }

  partners(): Partners {
    return joinLists(this.photos, (photo) =>
      this.places.subarray(photo * this.most, photo * this.most + this.lengths[photo]!),
    );
  }
}

export function joinLists(photos: number, listOf: (photo: number) => Int32Array): Partners {
  const start = new Int32Array(photos + 1);
  for (let photo = 0; photo < photos; photo++) start[photo + 1] = start[photo]! + listOf(photo).length;
  const members = new Int32Array(start[photos]!);
  for (let photo = 0; photo < photos; photo++) members.set(listOf(photo), start[photo]!);
  return { members, start };
}
