import { NotEnoughData } from "../learning.errors.js";
import type { PositiveKind, SnapshotPhoto } from "./snapshot.type.js";

/** The smallest batch in which every anchor has a positive and a negative: two labels with two photos each. */
const LEAST_LABELS = 2;
const LEAST_PER_LABEL = 2;
/** Below this a validation says nothing, and a head learns its photos by heart. */
const LEAST_PHOTOS = 8;

/** What to say of photos that are left out, when there are too few. */
const REMEDIES: Readonly<Record<string, string>> = {
  "not fetched yet": "still to be fetched: wait until they are there",
  "not embedded yet": "still to be embedded: wait until they are",
  "cannot be read": "could not be fetched or read: see catalog health",
  "no label": "without a label by these positives",
  "label not selected": "of labels that were not selected",
};

/** @throws NotEnoughData saying what is missing and what to do */
export function assertEnough(
  photos: readonly Pick<SnapshotPhoto, "split" | "labels">[],
  kinds: readonly PositiveKind[],
  leftOut: Readonly<Record<string, number>>,
  needsLabels: boolean,
): void {
  const train = photos.filter(({ split }) => split === "train");
  const others = photos.length - train.length;
  const aside = others === 0 ? "" : ` (${others} more are kept aside for validation and test)`;
  // A catalog full of photos without labels lacks labels, not photos.
  if (needsLabels && (train.length >= LEAST_PHOTOS || leftOut["no label"] !== undefined)) {
    for (const [rule, kind] of kinds.entries()) assertLabels(train, rule, kind, aside, leftOut);
  }
  if (train.length >= LEAST_PHOTOS) return;
  throw new NotEnoughData(
    `Learning takes ${LEAST_PHOTOS} training photos at least; there ${are(train.length)}${aside}: ` +
      `${LEAST_PHOTOS - train.length} more needed. Import more products with photos.${remedies(leftOut)}`,
  );
}

function assertLabels(
  train: readonly Pick<SnapshotPhoto, "labels">[],
  rule: number,
  kind: PositiveKind,
  aside: string,
  leftOut: Readonly<Record<string, number>>,
): void {
  if (kind === "augmentation") return;
  const counts = new Map<number, number>();
  for (const { labels } of train) {
    const label = labels[rule]!;
    if (label >= 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const enough = [...counts.values()].filter((count) => count >= LEAST_PER_LABEL).length;
  if (enough >= LEAST_LABELS) return;
  throw new NotEnoughData(
    `Learning by ${kind} takes ${LEAST_LABELS} labels with ${LEAST_PER_LABEL} training photos each at least; there ` +
      `${are(enough)} among ${train.length} training photos${aside} with ${counts.size} different labels: ` +
      `${LEAST_LABELS - enough} more needed. Import more products with ${subject(kind)}, choose other positives, or ` +
      `positives augmentation, which takes no labels.${remedies(leftOut)}`,
  );
}

const are = (count: number): string => (count === 1 ? "is 1" : `are ${count}`);

function subject(kind: PositiveKind): string {
  if (kind === "product") return "several photos each";
  if (kind === "group") return "variants in groups";
  if (kind === "category") return "categories";
  return `the attribute ${JSON.stringify(kind.slice("attribute:".length))}`;
}

function remedies(leftOut: Readonly<Record<string, number>>): string {
  const parts = Object.entries(leftOut).flatMap(([reason, count]) => {
    const remedy = REMEDIES[reason];
    return remedy === undefined ? [] : [`${count} photo${count === 1 ? "" : "s"} ${remedy}`];
  });
  return parts.length === 0 ? "" : ` Not counted: ${parts.join("; ")}.`;
}
