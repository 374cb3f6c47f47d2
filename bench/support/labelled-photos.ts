import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse";
import { drawCatalog } from "../../src/demo/draw-catalog.js";
import { BadUserInput } from "../../src/errors.js";
import type { Snapshot, SnapshotPhoto, SnapshotSplit } from "../../src/learning/snapshot/snapshot.type.js";

interface Labelled {
  readonly file: string;
  readonly label: string;
  readonly product: string;
  readonly split: SnapshotSplit;
}

/** A snapshot whose content hashes are files. */
function snapshotOf(photos: readonly Labelled[]): Snapshot {
  const names = [...new Set(photos.map(({ label }) => label))].sort();
  return {
    format: 1,
    seed: 1,
    positives: [{ kind: "category", weight: 1 }],
    labelNames: [names],
    photos: photos.map(({ file, label, product, split }, index): SnapshotPhoto => {
      const id = String(index + 1);
      const labels = [names.indexOf(label)];
      return { imageId: id, productId: product, blobId: id, contentHash: file, split, labels, duplicateGroup: -1 };
    }),
    leftOut: {},
  };
}

/** Besides those that are trained on. */
export type HeldOutSplit = Exclude<SnapshotSplit, "train">;

/**
 * Photos in folders `train/LABEL/` and `validation/LABEL/`, or of the splits that are asked for.
 * @throws BadUserInput when there are none
 */
export async function photosOfFolder(
  folder: string,
  heldOut: readonly HeldOutSplit[] = ["validation"],
): Promise<Snapshot> {
  const photos: Labelled[] = [];
  for (const split of ["train", ...heldOut] as const) {
    for (const label of await namesIn(path.join(folder, split))) {
      for (const name of await namesIn(path.join(folder, split, label))) {
        const file = path.join(folder, split, label, name);
        if (/\.(jpe?g|png|webp)$/i.test(name)) photos.push({ file, label, product: file, split });
      }
    }
  }
  if (photos.length === 0) {
    throw new BadUserInput(
      `${folder} holds no photos. They are expected in train/LABEL and ${heldOut.join("/LABEL, ")}/LABEL.`,
    );
  }
  return snapshotOf(photos);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

/** The shop of the demo, drawn into a folder; every fifth product is held out, by turns. Labels are its categories. */
export async function drawnPhotos(
  folder: string,
  heldOut: readonly HeldOutSplit[] = ["validation"],
): Promise<Snapshot> {
  const { feed } = await drawCatalog(folder, 1);
  const photos: Labelled[] = [];
  let products = 0;
  for await (const row of createReadStream(feed).pipe(parse({ columns: true })) as AsyncIterable<
    Record<string, string>
  >) {
    const turn = products++ / 5;
    const split = Number.isInteger(turn) ? heldOut[turn % heldOut.length]! : "train";
    const links = [row.image_link, ...(row.additional_image_link ?? "").split(",")].filter((link) => !!link);
    for (const link of links) {
      const file = link?.startsWith("file:") ? fileURLToPath(link) : path.resolve(path.dirname(feed), link ?? "");
      photos.push({ file, label: row.product_type ?? "", product: row.id ?? "", split });
    }
  }
  return snapshotOf(photos);
}
