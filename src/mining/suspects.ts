import type { Suspect, UnitVectors } from "./mining.type.js";
import { rank } from "./nearest.js";

export interface SuspectOptions {
  /** How many of the nearest others are asked. Default 20. */
  readonly neighbours?: number;
  /** A photo is suspected when fewer than this share of them has its label. Default .15. */
  readonly agreement?: number;
  /**
   * Photos of one number, such as a product's, are not asked about each other: they carry the same wrong label. As
   * long as the vectors; a number below 0 leaves the photo out.
   */
  readonly groups?: Int32Array;
  readonly signal?: AbortSignal;
  readonly threads?: number;
}

/**
 * Photos whose nearest others mostly carry another label, least agreement first. A label with fewer others than are
 * asked is measured by how many of these there could be. A photo without others of its label cannot be judged.
 * @param labels one a photo; −1: none, neither judged nor asked
 */
export async function findSuspects(
  vectors: UnitVectors,
  labels: Int32Array,
  { neighbours = 20, agreement = 0.15, groups, signal, threads }: SuspectOptions = {},
): Promise<Suspect[]> {
  const asked = Int32Array.from(labels, (label, place) => (label < 0 ? -1 : (groups?.[place] ?? place)));
  const judged = Int32Array.from(labels.keys()).filter((place) => asked[place]! >= 0);
  const others = countOthers(labels, asked);
  const { places } = await rank(vectors, vectors, neighbours, {
    groups: { queries: asked, gallery: asked },
    places: judged,
    ...(signal && { signal }),
    ...(threads !== undefined && { threads }),
  });
  const suspects: Suspect[] = [];
  for (const [at, photo] of judged.entries()) {
    const label = labels[photo]!;
    const near = [...places.subarray(at * neighbours, (at + 1) * neighbours)].filter((place) => place >= 0);
    const possible = Math.min(near.length, others(photo));
    if (possible === 0) continue;
    const votes = new Map<number, number>();
    // In order of nearness, so that of equal votes the nearest label wins.
    for (const place of near) votes.set(labels[place]!, (votes.get(labels[place]!) ?? 0) + 1);
    const share = Math.min(1, (votes.get(label) ?? 0) / possible);
    if (share >= agreement) continue;
    const suggested = [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best))[0];
    if (suggested !== label) suspects.push({ photo, label, agreement: share, suggested });
  }
  return suspects.sort((left, right) => left.agreement - right.agreement || left.photo - right.photo);
}

/** How many photos of its label, and not of its group, each photo has. */
function countOthers(labels: Int32Array, groups: Int32Array): (photo: number) => number {
  const ofLabel = new Map<number, number>();
  const ofBoth = new Map<string, number>();
  const both = (photo: number): string => `${labels[photo]}/${groups[photo]}`;
  for (const photo of labels.keys()) {
    if (groups[photo]! < 0) continue;
    ofLabel.set(labels[photo]!, (ofLabel.get(labels[photo]!) ?? 0) + 1);
    ofBoth.set(both(photo), (ofBoth.get(both(photo)) ?? 0) + 1);
  }
  return (photo) => ofLabel.get(labels[photo]!)! - ofBoth.get(both(photo))!;
}
