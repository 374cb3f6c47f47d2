import os from "node:os";
import pLimit from "p-limit";
import { isContentFailure } from "../../embedding/photo-failures.js";
import { describeDistances, NothingToMine } from "../../mining/index.js";
import { readModel, readModelFile } from "../../onnx/index.js";
import { describeModel } from "../export/index.js";
import { LearningCancelled, NotEnoughData } from "../learning.errors.js";
import type { LearningInput, LearningListener, LearningResult } from "../learning.type.js";
import { everyNth } from "../plan/every-nth.js";
import { imageShape } from "../plan/open-workshop.js";
import { readOverrides } from "../recipes/overrides.js";
import type { Clock } from "../run-record.js";
import { usualAugmentation } from "../views/draw-view.js";
import { startViewLanes } from "../views/view-lanes.js";
import { buildFeatureModel, FEATURES, featuresOf, learnWhitening, projectVectors } from "../whitening/index.js";
import { leadingUnits, rowsAt } from "./encode.js";
import { validate } from "./validation.js";

/** Photos whose features are in memory at once: 250 MB for the default encoder. More photos move no axis. */
const PHOTOS = 20_000;
/** Below this the axes are those of chance. */
const FEWEST = 16;
const REPORT_EVERY = 300;

/**
 * The recipe "whitening": what a catalog teaches without any label. Labels that there are say how well, and no more.
 * @throws NotEnoughData, LearningCancelled, VectorsUnusable
 */
export async function learnWithoutLabels(
  input: LearningInput,
  clock: Clock,
  listener: LearningListener,
  signal: AbortSignal,
): Promise<Omit<LearningResult, "seconds" | "timings">> {
  const { snapshot, encoder, request } = input;
  const { manifest } = encoder;
  const { dims, whiteningExponent: exponent } = readOverrides(request.overrides);
  const placesOf = (split: string) =>
    Int32Array.from(snapshot.photos.flatMap((photo, place) => (photo.split === split ? [place] : [])));
  const train = everyNth(placesOf("train"), PHOTOS);
  const validation = everyNth(placesOf("validation"), PHOTOS);
  if (train.length < FEWEST) {
    throw new NotEnoughData(
      `Only ${train.length} training photos are there; ${FEWEST - train.length} more are needed. Import more products.`,
    );
  }
  const counts = { train: 0, validation: 0, test: 0 };
  for (const { split } of snapshot.photos) counts[split] += 1;
  const labelled = new Set(snapshot.photos.flatMap(({ labels: [first = -1] }) => (first < 0 ? [] : [first])));
  await listener.plan({
    recipe: "whitening",
    reason: `${train.length} training photos, no labels needed: their principal axes, half-whitened.`,
    device: "cpu",
    photos: counts,
    labels: labelled.size,
    phases: [
      {
        stage: "caching",
        steps: 0,
        batch: 0,
        views: 1,
        estimatedSeconds: Math.round((train.length + validation.length) * 0.01),
        description: `features of ${train.length + validation.length} photos`,
      },
    ],
  });

  const { graph } = await readModelFile(encoder.modelPath);
  const features = featuresOf(manifest, graph);
  const image = imageShape(encoder.manifest);
  const model = await buildFeatureModel({ graph, image }, features);
  const width = Number(readModel(model).graph.outputs[0]?.type?.shape[1]);
  const places = Int32Array.from([...train, ...validation]);
  const seen = await clock.time("caching", () => featuresOfPhotos(places, model, width));
  const readable = [...places.keys()].filter((row) => !seen.unreadable.has(row));
  const rows = rowsAt({ data: seen.data, count: places.length, dims: width }, readable);
  const trainCount = readable.filter((row) => row < train.length).length;
  const labels = Int32Array.from(readable, (row) => snapshot.photos[places[row]!]?.labels[0] ?? -1);
  const { model: whitened, fit } = await clock.time("whitening", () =>
    learnWhitening({
      encoder: { graph, image },
      features,
      vectors: rows.data.subarray(0, trainCount * width),
      count: trainCount,
      width,
      ...(dims !== undefined && { dims }),
      options: { seed: request.seed, exponent, signal },
    }),
  );
  const projected = { data: await projectVectors(rows.data, rows.count, fit), count: rows.count, dims: fit.dims };

  const figures = async (when: "before" | "after", vectors: typeof rows) => {
    const gallery = rowsAt(vectors, [...Array(trainCount).keys()]);
    const galleryLabels = labels.subarray(0, trainCount);
    try {
      await listener.distribution(
        when,
        await describeDistances(gallery, galleryLabels, { seed: request.seed, signal }),
      );
    } catch (error) {
      if (!(error instanceof NothingToMine)) throw error;
    }
    const queries = Array.from({ length: rows.count - trainCount }, (_, index) => trainCount + index);
    return validate(
      { vectors: rowsAt(vectors, queries), labels: labels.subarray(trainCount) },
      { vectors: gallery, labels: galleryLabels },
      signal,
    );
  };
  const baseValidation = await figures("before", leadingUnits(rows, manifest.dims));
  const described = describeModel(whitened, { recipe: "whitening", base: manifest });
  return { model: described, dims: fit.dims, baseValidation, validation: await figures("after", projected), steps: 0 };

  async function featuresOfPhotos(wanted: Int32Array, trunk: Uint8Array, length: number) {
    const { preprocessing } = manifest;
    const settings = { preprocessing, maxPixels: input.maxPixels, augmentation: usualAugmentation };
    const cores = request.threads ?? os.availableParallelism();
    const lanes = await startViewLanes({ ...settings, trunk, values: [FEATURES], half: false }, cores);
    const data = new Float32Array(wanted.length * length);
    const unreadable = new Set<number>();
    let done = 0;
    let reported = 0;
    const one = async (row: number) => {
      if (signal.aborted) return;
      try {
        const photo = await input.readPhoto(snapshot.photos[wanted[row]!]!.contentHash);
        data.set(await lanes.prepare({ photo, seed: 0, views: [0] }), row * length);
      } catch (error) {
        if (!isContentFailure(error)) throw error;
        unreadable.add(row);
      }
      done += 1;
      if (performance.now() - reported < REPORT_EVERY && done < wanted.length) return;
      reported = performance.now();
      await listener.progress({ stage: "caching", done, total: wanted.length, secondsLeft: null });
    };
    try {
      const limit = pLimit(lanes.room);
      await Promise.all([...wanted.keys()].map((row) => limit(() => one(row))));
    } finally {
      await lanes.close();
    }
    if (signal.aborted) throw new LearningCancelled();
    return { data, unreadable };
  }
}
