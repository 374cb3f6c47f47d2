/** The photos of each label. */
export interface LabelLists {
  /** Labels that occur, ascending. */
  readonly labels: Int32Array;
  /** Places of a label's photos, ascending; empty for one that does not occur. */
  photosOf(label: number): Int32Array;
}

/** @param keep whether a photo counts; one with a label below 0 never does */
export function listByLabel(labels: Int32Array, keep: (place: number) => boolean = () => true): LabelLists {
  const kept = (place: number): boolean => labels[place]! >= 0 && keep(place);
  let most = -1;
  for (const label of labels) if (label > most) most = label;
  // One array for all photos, cut by label: a list a label would take tens of bytes more for each of a million products.
  const start = new Int32Array(most + 2);
  for (const place of labels.keys()) if (kept(place)) start[labels[place]! + 1]! += 1;
  for (let label = 0; label <= most; label++) start[label + 1]! += start[label]!;
  const photos = new Int32Array(start[most + 1] ?? 0);
  const next = start.slice();
  for (const place of labels.keys()) {
    if (!kept(place)) continue;
    const label = labels[place]!;
    photos[next[label]!] = place;
    next[label]! += 1;
  }
  return {
    labels: Int32Array.from({ length: most + 1 }, (_, label) => label).filter(
      (label) => start[label + 1]! > start[label]!,
    ),
    photosOf: (label) =>
      label < 0 || label > most ? photos.subarray(0, 0) : photos.subarray(start[label]!, start[label + 1]!),
  };
}
