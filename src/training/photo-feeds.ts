import type { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { elementCount, type GraphValue } from "../onnx/index.js";
import { checkPhotos } from "./batch-check.js";
import { floats, floatsOf } from "./runtime-session.js";
import type { Photos } from "./trainer.type.js";
import { BatchUnusable } from "./training.errors.js";

/** Turns photos into what the trained part is fed with. */
export interface PhotoFeeds {
  /** Number of photos. @throws BatchUnusable  for arrays that do not hold whole photos */
  count(photos: Photos): number;
  /** Boundary values of all photos, by name. Images go through the frozen part. */
  boundary(photos: Photos): Promise<Record<string, Float32Array>>;
  /** Boundary values of `size` photos from `first` on; missing ones at the end are zeros. */
  feeds(boundary: Readonly<Record<string, Float32Array>>, first: number, size: number): Record<string, RuntimeTensor>;
}

/**
 * @param image name and shape of the encoder's input, batch in front
 * @param boundary what the trained part reads
 * @param trunk session of the frozen part; none where everything trains
 */
export function createPhotoFeeds(
  image: GraphValue,
  boundary: readonly GraphValue[],
  trunk: InferenceSession | undefined,
  trunkBatch: number,
): PhotoFeeds {
  const perPhoto = ({ type }: GraphValue) => elementCount(type.shape.slice(1).map(Number));
  const countOf = (values: Float32Array, value: GraphValue): number => {
    const count = values.length / perPhoto(value);
    if (Number.isInteger(count)) return count;
    throw new BatchUnusable(
      `"${value.name}" holds ${values.length} numbers, which is no multiple of the ${perPhoto(value)} of a photo.`,
    );
  };
  const valueFor = (values: Readonly<Record<string, Float32Array>>, { name }: GraphValue): Float32Array => {
    const array = values[name];
    if (array) return array;
    throw new BatchUnusable(
      `The boundary value "${name}" is missing. Needed are ${boundary.map((value) => value.name).join(", ")}.`,
    );
  };
  return {
    count(photos) {
      checkPhotos(photos);
      if ("images" in photos) return countOf(photos.images, image);
      const counts = boundary.map((value) => countOf(valueFor(photos.boundary, value), value));
      const [first = 0] = counts;
      if (counts.every((count) => count === first)) return first;
      throw new BatchUnusable(`The boundary values hold ${counts.join(", ")} photos; they must be the same ones.`);
    },
    async boundary(photos) {
      checkPhotos(photos);
      if ("boundary" in photos) return photos.boundary;
      const count = countOf(photos.images, image);
      const values: Record<string, Float32Array> = {};
      for (const value of boundary) {
        values[value.name] = value.name === image.name ? photos.images : new Float32Array(count * perPhoto(value));
      }
      for (let first = 0; trunk && first < count; first += trunkBatch) {
        const size = Math.min(trunkBatch, count - first);
        const part = photos.images.subarray(first * perPhoto(image), (first + size) * perPhoto(image));
        const results = await trunk.run({
          [image.name]: floats(part, [size, ...image.type.shape.slice(1).map(Number)]),
        });
        for (const value of boundary) {
          if (value.name === image.name) continue;
          values[value.name]?.set(floatsOf(results[value.name], value.name), first * perPhoto(value));
        }
      }
      return values;
    },
    feeds(values, first, size) {
      return Object.fromEntries(
        boundary.map((value) => {
          const length = perPhoto(value);
          const part = valueFor(values, value).subarray(first * length, (first + size) * length);
          const whole = part.length === size * length ? part : padded(part, size * length);
          return [value.name, floats(whole, [size, ...value.type.shape.slice(1).map(Number)])];
        }),
      );
    },
  };
}

function padded(part: Float32Array, length: number): Float32Array {
  const whole = new Float32Array(length);
  whole.set(part);
  return whole;
}
