import type { DrawableRule } from "./batch-sampler.js";
import { createDraws, type Draws, drawSome } from "./draws.js";

/** A batch that is being put together, photo by photo. */
export interface DraftBatch {
  readonly photos: number[];
  readonly views: number[];
  readonly anchors: number[];
}

export interface DrawingOptions {
  readonly labelsPerBatch: number;
  readonly photosPerLabel: number;
  readonly views: number;
  readonly seed: number;
  readonly step: number;
}

/**
 * P × K photos: of each label distinct photos first, then other views of them. Labels that run short are made up for by
 * further labels, then by more photos of the same; only a catalog with too little for one batch shows a view twice.
 */
export function drawBatch(rule: DrawableRule, options: DrawingOptions): DraftBatch {
  const { labelsPerBatch, photosPerLabel, views, seed, step } = options;
  const wanted = labelsPerBatch * photosPerLabel;
  const draws = createDraws(seed, step, 1);
  const batch: DraftBatch = { photos: [], views: [], anchors: [] };
  const left = (): number => wanted - batch.photos.length;
  const labels = drawSome(rule.labels, wanted, draws);
  const photosOf = (at: number): Int32Array => rule.lists.photosOf(labels[at % labels.length]!);
  // Fewer labels than P: more photos of each, as evenly as can be.
  const first = Math.min(labelsPerBatch, labels.length);
  let at = 0;
  for (; at < first; at++) {
    const share = Math.floor(((at + 1) * wanted) / first) - Math.floor((at * wanted) / first);
    addLabel(batch, photosOf(at), share, views, draws);
  }
  // A single photo of a further label would be nobody's pair.
  for (; at < labels.length && left() > 1; at++) {
    addLabel(batch, photosOf(at), Math.min(photosPerLabel, left()), views, draws);
  }
  for (at = 0; left() > 0; at++) {
    for (const photo of drawSome(photosOf(at), left(), draws)) add(batch, photo, draws.below(views));
  }
  return batch;
}

function addLabel(batch: DraftBatch, photos: Int32Array, wanted: number, views: number, draws: Draws): void {
  const chosen = drawSome(photos, wanted, draws);
  const count = Math.min(wanted, chosen.length * views);
  const firstViews = Array.from(chosen, () => draws.below(views));
  for (let at = 0; at < count; at++) {
    const photo = at % chosen.length;
    add(batch, chosen[photo]!, (firstViews[photo]! + Math.floor(at / chosen.length)) % views);
  }
}

function add(batch: DraftBatch, photo: number, view: number): void {
  batch.photos.push(photo);
  batch.views.push(view);
  batch.anchors.push(1);
}
