import type { Photos, StepOptions } from "./trainer.type.js";
import { BatchUnusable } from "./training.errors.js";

/**
 * Refuses a batch in which no anchor has both a photo of its own label and one of another: its loss would be zero and
 * the step lost.
 * @throws BatchUnusable
 */
export function checkBatch(
  labels: Int32Array,
  anchors: Float32Array,
  memory: Int32Array,
  expected: number,
  photos: number,
): void {
  if (photos !== expected || labels.length !== expected || anchors.length !== expected) {
    throw new BatchUnusable(
      `${photos} photos, ${labels.length} labels and ${anchors.length} anchors for a batch of ${expected}. ` +
        "Give exactly so many of each.",
    );
  }
  const low = labels.findIndex((label) => label < 0);
  if (low >= 0) throw new BatchUnusable(`Photo ${low} has the label ${labels[low]}. Labels are numbers from 0 on.`);
  const odd = anchors.findIndex((anchor) => anchor !== 0 && anchor !== 1);
  if (odd >= 0) throw new BatchUnusable(`Photo ${odd} has the anchor ${anchors[odd]}. It is 1, or 0 for no anchor.`);
  const counts = new Map<number, number>();
  for (const label of [...labels, ...memory]) if (label >= 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (counts.size < 2) {
    throw new BatchUnusable(`All ${expected} photos have one label, so that nothing is a negative. Mix labels.`);
  }
  if (!labels.some((label, index) => anchors[index] !== 0 && (counts.get(label) ?? 0) > 1)) {
    throw new BatchUnusable("No anchor has a second photo of its label. Draw at least two photos a label.");
  }
}

/** Callers without a compiler leave photos out, or give them as plain arrays. @throws BatchUnusable */
export function checkPhotos(photos: Photos): void {
  const given = objectOf(photos);
  const arrays = "images" in given ? { images: given.images } : objectOf(given.boundary);
  for (const [name, values] of Object.entries(arrays)) requireFloats(name, values);
}

function objectOf(given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given === "object" && given !== null) return given as Readonly<Record<string, unknown>>;
  throw new BatchUnusable(
    "No photos were given. Give { images }, or { boundary } as `trunk` made it: a Float32Array, or one a value.",
  );
}

function requireFloats(name: string, values: unknown): void {
  if (values instanceof Float32Array) return;
  throw new BatchUnusable(`The photos' "${name}" are no Float32Array. Wrap them: Float32Array.from(numbers).`);
}

/** Labels as the graph takes them: two that differ must not become one. @throws BatchUnusable */
export function labelsOf(given: Int32Array | readonly number[]): Int32Array {
  if (given instanceof Int32Array) return given.slice();
  if (!Array.isArray(given)) throw new BatchUnusable("Labels are given as an Int32Array or an array of numbers.");
  const at = given.findIndex((label) => label !== (label | 0));
  if (at < 0) return Int32Array.from(given);
  throw new BatchUnusable(`Label ${at} is ${given[at]}. Labels are whole numbers from 0 to 2147483647.`);
}

/** Memory as the graph takes it: padded with empty slots. @throws BatchUnusable */
export function fillMemory(memory: StepOptions["memory"], slots: number, dims: number) {
  const embeddings = new Float32Array(slots * dims);
  const labels = new Int32Array(slots).fill(-1);
  if (memory) {
    const count = memory.labels.length;
    if (count > slots || memory.embeddings.length !== count * dims) {
      throw new BatchUnusable(
        `A memory of ${count} labels and ${memory.embeddings.length} numbers was given; there are ${slots} slots of ` +
          `${dims} numbers.`,
      );
    }
    embeddings.set(memory.embeddings);
    labels.set(labelsOf(memory.labels));
  }
  return { embeddings, labels };
}
