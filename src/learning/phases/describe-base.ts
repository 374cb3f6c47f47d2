import { describeDistances, NothingToMine, type UnitVectors } from "../../mining/index.js";
import type { ValidationFigures } from "../learning.type.js";
import type { BaseFeatures, ReadablePhotos } from "./base-features.js";
import { leadingUnits, rowsAt } from "./encode.js";
import type { Learning } from "./phase-of-run.js";
import { validate } from "./validation.js";

/** How the encoder itself does, before anything is learnt; reports the distances of its vectors. */
export async function describeBase(
  { train, rows }: BaseFeatures,
  learning: Learning,
  readable: ReadablePhotos,
): Promise<ValidationFigures | undefined> {
  const { input, material } = learning;
  // The first feature is the encoder's own vector.
  const units = leadingUnits(rows, input.encoder.manifest.dims);
  const queries = Array.from({ length: rows.count - train.length }, (_, index) => train.length + index);
  const vectors = rowsAt(units, [...train.keys()]);
  const labels = train.map((position) => material.trainLabels[position]!);
  await reportDistances("before", vectors, labels, learning);
  return validate(
    { vectors: rowsAt(units, queries), labels: readable.validation.labels },
    { vectors, labels },
    learning.signal,
  );
}

/** Tells how distances of training photos lie; nothing where no pair can be compared. */
export async function reportDistances(
  when: "before" | "after",
  vectors: UnitVectors,
  labels: Int32Array,
  { input, listener, signal }: Learning,
): Promise<void> {
  const { seed, threads } = input.request;
  try {
    const report = await describeDistances(vectors, labels, {
      seed,
      signal,
      ...(threads !== undefined && { threads }),
    });
    await listener.distribution(when, report);
  } catch (error) {
    if (!(error instanceof NothingToMine)) throw error;
  }
}
