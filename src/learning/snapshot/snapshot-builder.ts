import type { Sql } from "../../database/database.type.js";
import { BadUserInput } from "../../errors.js";
import { type LabelReader, labelReader, selectLabels, selectsLabels } from "../../evaluation/index.js";
import type { Vectors } from "../../vectors/vectors.type.js";
import { assignSplits } from "./assign-splits.js";
import { countMissingPhotos, readCatalogPhotos } from "./catalog-photos.js";
import { replaceLabels, shuffleLabels } from "./disturb-labels.js";
import { type DraftPhotos, draftPhotos, keepPhotos, photoLabel } from "./draft.js";
import { assertEnough } from "./enough-data.js";
import { findLookAlikes, SAME_SHOT } from "./look-alikes.js";
import type { PositiveKind, Snapshot, SnapshotPhoto, SnapshotRequest, SnapshotSplit } from "./snapshot.type.js";

export interface SnapshotBuilderDependencies {
  readonly database: Sql;
  readonly vectors: Pick<Vectors, "readers">;
  /** Up to which distance two photos are one shot; see look-alikes.ts. */
  readonly sameShot?: number;
}

export interface SnapshotBuilder {
  /**
   * Freezes what a run learns from: photos of active products that have a vector of `modelId`, their labels by each
   * rule, and splits. The same catalog and request give the same snapshot. Memory is some 3 kB a photo however
   * long vectors are: they are streamed, and kept as sketches of 128 numbers.
   * @throws NotEnoughData, BadUserInput (rules, labels that are not there), ModelVectorsGone
   */
  build(request: SnapshotRequest, modelId: number, signal?: AbortSignal): Promise<Snapshot>;
}

export function createSnapshotBuilder({
  database,
  vectors,
  sameShot = SAME_SHOT,
}: SnapshotBuilderDependencies): SnapshotBuilder {
  return {
    async build(request, modelId, signal) {
      const kinds = request.positives.map(({ kind }) => kind);
      const rules = readersOf(request).map(photoLabel);
      const leftOut = new LeftOut();
      const missing = await countMissingPhotos(database);
      leftOut.count("not fetched yet", missing.pending);
      leftOut.count("cannot be read", missing.failed);

      const { needsLabels = true } = request;
      const batches = readCatalogPhotos(database);
      const all = await draftPhotos(batches, { rules, needsLabels }, (reason) => leftOut.count(reason));
      const isSelected = selectorOf(all, request);
      const read = () => vectors.readers.read(modelId, "photos");
      const { embedded, groups } = await findLookAlikes(all, read, sameShot, signal);
      const isThere = (place: number): boolean => embedded[place] === 1;
      const places = [...all.imageIds.keys()];
      const selectedPlaces = places.filter(isSelected);
      leftOut.count("label not selected", places.length - selectedPlaces.length);
      leftOut.count("not embedded yet", selectedPlaces.filter((place) => !isThere(place)).length);

      // Over everything, so that a product keeps its split whatever is selected, and no photo to test by is learned.
      const embeddedPlaces = places.filter(isThere);
      const whole = keepPhotos(all, isThere);
      const assigned = assignSplits(
        whole,
        groups.filter((_, place) => isThere(place)),
        request.seed,
      );
      const isKept = (_: unknown, at: number): boolean => isSelected(embeddedPlaces[at]!);
      const draft = keepPhotos(whole, (at) => isKept(undefined, at));
      const splits = assigned.splits.filter(isKept);
      const lookAlikes = embeddedPlaces.filter(isSelected).map((place) => groups[place]!);
      const heldOut = assigned.heldOut.filter(isKept).filter(Boolean).length;
      leftOut.count("held out from training, since what they look like or belong to is", heldOut);
      const { labelNames, labels } = orderLabels(draft);
      const photos = (): SnapshotPhoto[] =>
        draft.imageIds.map((imageId, place) => ({
          imageId: String(imageId),
          productId: String(draft.productIds[place]),
          blobId: String(draft.blobIds[place]),
          contentHash: draft.contentHashes[place]!,
          split: splits[place]!,
          labels: labels.map((ofRule) => ofRule[place]!),
          duplicateGroup: lookAlikes[place]!,
        }));
      assertEnough(photos(), kinds, leftOut.reasons, needsLabels);

      const train = [...splits.keys()].filter((place) => splits[place] === "train");
      const disturbed = (rule: number) => ({
        seed: request.seed + rule,
        train,
        labels: labels[rule]!,
        count: labelNames[rule]!.length,
      });
      if (request.shuffleLabels) for (const rule of kinds.keys()) shuffleLabels(disturbed(rule));
      const replacedLabels =
        (request.labelNoise ?? 0) > 0 ? replaceLabels(disturbed(0), request.labelNoise!) : undefined;
      return {
        format: 1,
        seed: request.seed,
        positives: request.positives,
        labelNames,
        photos: photos(),
        ...(draft.imageIds.length < whole.imageIds.length && {
          notSelected: productsBut(whole, assigned.splits, (at) => isKept(undefined, at)),
        }),
        leftOut: leftOut.reasons,
        ...(replacedLabels && { replacedLabels }),
      };
    },
  };
}

class LeftOut {
  readonly reasons: Record<string, number> = {};

  count(reason: string, photos = 1): void {
    if (photos > 0) this.reasons[reason] = (this.reasons[reason] ?? 0) + photos;
  }
}

function readersOf(request: SnapshotRequest): (LabelReader | "augmentation")[] {
  const { positives, labelNoise = 0 } = request;
  if (positives.length === 0) throw new BadUserInput("positives must name at least one rule.", ["positives"]);
  const twice = positives.find(({ kind }, at) => positives.findIndex((other) => other.kind === kind) < at);
  if (twice) throw new BadUserInput(`positives names ${twice.kind} twice.`, ["positives"]);
  const wrong = positives.find(({ weight }) => !(weight > 0 && Number.isFinite(weight)));
  if (wrong) {
    throw new BadUserInput(`The weight of positives ${wrong.kind} must be above 0, not ${wrong.weight}.`, [
      "positives",
    ]);
  }
  if (!(labelNoise >= 0 && labelNoise <= 1)) {
    throw new BadUserInput(`labelNoise must be from 0 to 1, not ${labelNoise}.`, ["labelNoise"]);
  }
  if (positives[0]!.kind === "augmentation" && selectsLabels(request)) {
    throw new BadUserInput("Labels can be selected only where the first of the positives has labels.", ["onlyLabels"]);
  }
  return positives.map(({ kind }) => readerOf(kind));
}

function readerOf(kind: PositiveKind): LabelReader | "augmentation" {
  return kind === "augmentation" ? kind : labelReader(kind);
}

/** Whether the photo at a place has a selected label of the first rule. */
function selectorOf(draft: DraftPhotos, request: SnapshotRequest): (place: number) => boolean {
  if (!selectsLabels(request)) return () => true;
  const names = draft.names[0]!.names();
  // Of no labels none can be selected; what is missing then is labels.
  if (names.length === 0) return () => true;
  const chosen = selectLabels(new Set(names), request);
  return (place) => {
    const label = draft.labels[0]![place]!;
    return label >= 0 && chosen.has(names[label]!);
  };
}

/** Products none of whose photos is kept; photos of one product share its split. */
function productsBut(
  { productIds }: DraftPhotos,
  splits: readonly SnapshotSplit[],
  isKept: (at: number) => boolean,
): NonNullable<Snapshot["notSelected"]> {
  const products = new Map<string, SnapshotSplit>();
  for (const [at, productId] of productIds.entries()) {
    if (!isKept(at)) products.set(String(productId), splits[at]!);
  }
  return Array.from(products, ([productId, split]) => ({ productId, split }));
}

/** Labels that photos are left of, in the order of their names. */
function orderLabels({ names, labels }: DraftPhotos): { labelNames: string[][]; labels: number[][] } {
  const ordered = names.map((numbering, rule) => {
    const all = numbering.names();
    const used = new Set(labels[rule]);
    used.delete(-1);
    const labelNames = [...used].map((label) => all[label]!).sort();
    const places = new Map(labelNames.map((name, place) => [name, place]));
    return { labelNames, labels: labels[rule]!.map((label) => (label < 0 ? -1 : places.get(all[label]!)!)) };
  });
  return { labelNames: ordered.map((rule) => rule.labelNames), labels: ordered.map((rule) => rule.labels) };
}
