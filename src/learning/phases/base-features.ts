import { isContentFailure } from "../../embedding/photo-failures.js";
import type { UnitVectors } from "../../mining/index.js";
import type { Trainer } from "../../training/index.js";
import { LearningCancelled, NotEnoughData } from "../learning.errors.js";
import type { LearningListener } from "../learning.type.js";
import { everyNth } from "../plan/every-nth.js";
import type { LearningMaterial } from "../plan/material.js";
import type { RunSource, Workshop } from "../plan/open-workshop.js";
import { fillViewCache } from "../views/fill-cache.js";
import type { ViewCache } from "../views/view-cache.js";
import { encodeAll } from "./encode.js";

/** Photos whose features are in memory at once: 250 MB for the default encoder. */
const FEATURES = 20_000;
const REPORT_EVERY = 300;

/** What can be learnt from, once every photo was looked at. */
export interface ReadablePhotos {
  /** Positions of training photos, ascending. */
  readonly train: Int32Array;
  /** Places and labels of validation photos. */
  readonly validation: { readonly places: Int32Array; readonly labels: Int32Array };
}

export interface PreparationOptions {
  readonly workshop: Workshop;
  readonly run: RunSource;
  readonly material: LearningMaterial;
  readonly seed: number;
  readonly listener: LearningListener;
  readonly signal: AbortSignal;
}

/**
 * Prepares the plain photos, or only looks at them where nothing is cached. Views for training come later, so that a
 * head is there soon.
 * @throws LearningCancelled, CacheNotWritten, NotEnoughData when too few can be read
 */
export async function preparePhotos(options: PreparationOptions): Promise<ReadablePhotos> {
  const { workshop, run, material, signal } = options;
  const unreadable = new Set<number>();
  const { cache } = run;
  const { lanes, readPhoto } = workshop;
  const places = [...material.train, ...material.validation];
  if (cache) {
    await fill(options, cache, "plain");
    for (const place of places) if (!cache.readable(place)) unreadable.add(place);
  } else {
    const progress = cachingProgress(options.listener);
    for (let at = 0; at < places.length && !signal.aborted; at += lanes.room) {
      await Promise.all(places.slice(at, at + lanes.room).map((place) => look(place)));
      await progress(Math.min(at + lanes.room, places.length), places.length);
    }
  }
  if (signal.aborted) throw new LearningCancelled();

  async function look(place: number): Promise<void> {
    try {
      await lanes.prepare({ photo: await readPhoto(place), seed: 0, views: [] });
    } catch (error) {
      if (!isContentFailure(error)) throw error;
      unreadable.add(place);
    }
  }

  const train = Int32Array.from([...material.train.keys()].filter((at) => !unreadable.has(material.train[at]!)));
  if (train.length < material.train.length / 2) {
    throw new NotEnoughData(
      `${material.train.length - train.length} of ${material.train.length} training photos cannot be read. ` +
        "Import them again: `lookalike catalog health` names them.",
    );
  }
  const there = [...material.validation.keys()].filter((at) => !unreadable.has(material.validation[at]!));
  const kept = everyNth(Int32Array.from(there), FEATURES);
  return {
    train,
    validation: {
      places: kept.map((at) => material.validation[at]!),
      labels: kept.map((at) => material.validationLabels[at]!),
    },
  };
}

/** Prepares the views that the last phase trains on. @throws LearningCancelled, CacheNotWritten */
export async function prepareViews(options: PreparationOptions): Promise<void> {
  if (options.run.cache) await fill(options, options.run.cache, "augmented");
  if (options.signal.aborted) throw new LearningCancelled();
}

async function fill(options: PreparationOptions, cache: ViewCache, views: "plain" | "augmented"): Promise<void> {
  const { workshop, run, listener, signal, seed } = options;
  const { lanes, readPhoto } = workshop;
  const progress = cachingProgress(listener);
  await fillViewCache({ cache, views, lanes, viewsOf: run.viewsOf, seed, read: readPhoto, progress, signal });
}

/** Tells how far caching is, a few times a second. */
function cachingProgress(listener: LearningListener): (done: number, total: number) => Promise<void> {
  const started = performance.now();
  let reported = 0;
  let first: number | undefined;
  return async (done, total) => {
    first ??= done - 1;
    const now = performance.now();
    if (now - reported < REPORT_EVERY && done < total) return;
    reported = now;
    const secondsLeft = Math.round((((now - started) / 1000) * (total - done)) / Math.max(1, done - first));
    await listener.progress({ stage: "caching", done, total, secondsLeft });
  };
}

/** Joined features of plain photos, before anything was trained. */
export interface BaseFeatures {
  /** Positions of the training photos whose features are here; then come the validation photos. */
  readonly train: Int32Array;
  readonly rows: UnitVectors;
}

export async function baseFeatures(
  trainer: Trainer,
  readable: ReadablePhotos,
  options: PreparationOptions & { readonly batch: number },
): Promise<BaseFeatures> {
  const { material, run, listener, signal, batch } = options;
  const train = everyNth(readable.train, FEATURES);
  const places = Int32Array.from([
    ...train.map((position) => material.train[position]!),
    ...readable.validation.places,
  ]);
  const rows = await encodeAll({
    source: run.source,
    places,
    batch,
    dims: trainer.width,
    run: (boundary) => trainer.features({ boundary }),
    signal,
    progress: (done, total) => listener.progress({ stage: "validation", done, total, secondsLeft: null }),
  });
  return { train, rows };
}
