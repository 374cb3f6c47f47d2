import type { LabelReader } from "../../evaluation/index.js";
import type { CatalogPhoto } from "./catalog-photos.js";

/** Photos of a snapshot in the making, in columns, because there may be a million. */
export interface DraftPhotos {
  readonly imageIds: bigint[];
  readonly productIds: bigint[];
  readonly blobIds: bigint[];
  readonly contentHashes: string[];
  readonly splits: CatalogPhoto["split"][];
  /** Number of the group that the product belongs to; −1: none. */
  readonly groups: number[];
  /** For each rule a number a photo, in `names`; −1: no label by that rule. */
  readonly labels: number[][];
  /** For each rule the names by number. */
  readonly names: Numbering[];
}

/** Numbers for names, in order of appearance. */
export class Numbering {
  private readonly numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.numbers.size);
    return this.numbers.size - 1;
  }

  names(): string[] {
    return [...this.numbers.keys()];
  }
}

/** How a photo is labelled by one rule. */
export type PhotoLabel = (photo: CatalogPhoto) => string | undefined;

/** Of a photo that is only like other views of itself, the label is the photo. */
export function photoLabel(reader: LabelReader | "augmentation"): PhotoLabel {
  return reader === "augmentation" ? ({ imageId }) => String(imageId) : (photo) => reader.label(photo);
}

/** @param leaveOut is told why a photo is not taken */
export async function draftPhotos(
  batches: AsyncIterable<readonly CatalogPhoto[]>,
  { rules, needsLabels }: { readonly rules: readonly PhotoLabel[]; readonly needsLabels: boolean },
  leaveOut: (reason: "repeated in its product" | "no label") => void,
): Promise<DraftPhotos> {
  const draft: DraftPhotos = {
    imageIds: [],
    productIds: [],
    blobIds: [],
    contentHashes: [],
    splits: [],
    groups: [],
    labels: rules.map(() => []),
    names: rules.map(() => new Numbering()),
  };
  const groups = new Numbering();
  let product: bigint | undefined;
  let shown = new Set<bigint>();
  for await (const batch of batches) {
    for (const photo of batch) {
      if (photo.productId !== product) {
        product = photo.productId;
        shown = new Set();
      }
      const names = rules.map((rule) => rule(photo));
      if (shown.has(photo.blobId)) leaveOut("repeated in its product");
      else if (needsLabels && names.every((name) => name === undefined)) leaveOut("no label");
      else {
        shown.add(photo.blobId);
        draft.imageIds.push(photo.imageId);
        draft.productIds.push(photo.productId);
        draft.blobIds.push(photo.blobId);
        draft.contentHashes.push(photo.contentHash);
        draft.splits.push(photo.split);
        draft.groups.push(photo.group === null ? -1 : groups.numberOf(photo.group));
        for (const [rule, name] of names.entries()) {
          draft.labels[rule]!.push(name === undefined ? -1 : draft.names[rule]!.numberOf(name));
        }
      }
    }
  }
  return draft;
}

/** Only the photos that `keep` says. */
export function keepPhotos(draft: DraftPhotos, keep: (place: number) => boolean): DraftPhotos {
  const kept = <Item>(items: readonly Item[]): Item[] => items.filter((_, place) => keep(place));
  return {
    imageIds: kept(draft.imageIds),
    productIds: kept(draft.productIds),
    blobIds: kept(draft.blobIds),
    contentHashes: kept(draft.contentHashes),
    splits: kept(draft.splits),
    groups: kept(draft.groups),
    labels: draft.labels.map(kept),
    names: draft.names,
  };
}
