import { BadUserInput } from "../../src/errors.js";
import { replaceLabels } from "../../src/learning/snapshot/disturb-labels.js";
import type { Snapshot, SnapshotPhoto } from "../../src/learning/snapshot/snapshot.type.js";

/** What is learned from, and what is asked afterwards. Places are positions in `photos`. */
export interface LearningTask {
  /** All of them, as their files say. */
  readonly photos: readonly SnapshotPhoto[];
  /** True label of each photo. */
  readonly labels: Int32Array;
  /** By number: whether it is trained on. */
  readonly isLearned: readonly boolean[];
  /** Photos of those labels alone. */
  readonly snapshot: Snapshot;
}

/**
 * A catalog of which only some labels are learned from.
 * @param names all labels when absent
 * @throws BadUserInput for a name that no photo has
 */
export function learningTask(whole: Snapshot, names?: readonly string[]): LearningTask {
  const all = whole.labelNames[0] ?? [];
  const unknown = (names ?? []).find((name) => !all.includes(name));
  if (unknown !== undefined) throw new BadUserInput(`No photo has the label ${unknown}. There are: ${all.join(", ")}.`);
  const learned = all.filter((name) => names?.includes(name) ?? true);
  const photos = whole.photos.flatMap((photo) => {
    const label = learned.indexOf(all[photo.labels[0] ?? -1] ?? "");
    return label < 0 ? [] : [{ ...photo, labels: [label] }];
  });
  return {
    photos: whole.photos,
    labels: Int32Array.from(whole.photos, ({ labels: [label = -1] }) => label),
    isLearned: all.map((name) => learned.includes(name)),
    snapshot: { ...whole, labelNames: [learned], photos },
  };
}

/** The snapshot of one run: its seed, and a share of its training labels replaced by wrong ones. */
export function disturbed(snapshot: Snapshot, seed: number, share: number): Snapshot {
  const labels = snapshot.photos.map(({ labels: [label = -1] }) => label);
  const train = snapshot.photos.flatMap(({ split }, place) => (split === "train" ? [place] : []));
  const count = snapshot.labelNames[0]?.length ?? 0;
  const replacedLabels = share > 0 ? replaceLabels({ seed, train, labels, count }, share) : {};
  const photos = snapshot.photos.map((photo, place) => ({ ...photo, labels: [labels[place]!] }));
  return { ...snapshot, seed, photos, replacedLabels };
}
