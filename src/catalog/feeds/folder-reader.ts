import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { isBelow, photoUrlOf } from "../import/local-photo-url.js";
import type { Split } from "../products/catalog-event.type.js";
import { MAX_ID_LENGTH, MAX_PHOTOS } from "../products/product-rules.js";
import type { FeedEntry, FeedEntryContent, FolderProduct } from "./feed-entry.type.js";
import { FeedUnreadable } from "./feed-unreadable.error.js";

const PHOTO = /\.(jpe?g|png|webp|gif|avif|tiff?|heic|heif|bmp|svg)$/i;

const SPLITS: Readonly<Record<string, Split>> = {
  train: "TRAIN",
  training: "TRAIN",
  val: "VALIDATION",
  valid: "VALIDATION",
  validation: "VALIDATION",
  test: "TEST",
};

/**
 * Reads `ROOT/<label>/<file>` and deeper: folders are the category path, a top folder called train, validation or test
 * sets the split. Every photo is a product, or with `productFrom: "folder"` every folder that holds photos. Files that
 * are not photos are passed over. Ids are paths below ROOT, so they stay the same from run to run.
 * @param folder without symlinks
 */
export async function* readFolder(folder: string, productFrom: "image" | "folder"): AsyncGenerator<FeedEntry> {
  let line = 0;
  let found = false;
  for await (const entry of walk(folder, [], productFrom)) {
    found = true;
    line += 1;
    yield { line, ...entry };
  }
  if (!found) {
    throw new FeedUnreadable("FEED_EMPTY", `${folder} holds no photos. Expected is FOLDER/<label>/<photo>.jpg.`);
  }
}

/** How many rows `readFolder` is going to yield, more or less: by names alone, for the time left. */
export async function countFolder(folder: string, productFrom: "image" | "folder"): Promise<number> {
  let count = 0;
  let holdsPhotos = false;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) count += await countFolder(path.join(folder, entry.name), productFrom);
    else if (PHOTO.test(entry.name)) {
      holdsPhotos = true;
      if (productFrom === "image") count += 1;
    }
  }
  return productFrom === "folder" && holdsPhotos ? count + 1 : count;
}

async function* walk(root: string, parts: string[], productFrom: "image" | "folder"): AsyncGenerator<FeedEntryContent> {
  const here = path.join(root, ...parts);
  const entries = (await readdir(here, { withFileTypes: true }))
    .filter(({ name }) => !name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const photos: string[] = [];
  for (const entry of entries) {
    const kind = await kindOf(root, here, entry);
    if (kind === "outside") yield linkProblem([...parts, entry.name]);
    if (kind === "folder") yield* walk(root, [...parts, entry.name], productFrom);
    if (kind !== "photo") continue;
    if (productFrom === "image") yield { product: toProduct([...parts, entry.name], [[...parts, entry.name]]) };
    else photos.push(entry.name);
  }
  if (photos.length === 0) return;
  const isSplitFolder = parts.length === 1 && splitOf(parts) !== undefined;
  if (parts.length === 0 || isSplitFolder) {
    const where = parts.length === 0 ? "directly in the imported folder" : `directly in ${parts[0]}`;
    const reason = `${photos.length} photos lie ${where}; with products from folders each needs a folder of its product.`;
    yield { problem: { code: "FILE_OUTSIDE_FOLDER", reason } };
    return;
  }
  if (photos.length > MAX_PHOTOS) {
    const reason = `${parts.join("/")} holds ${photos.length} photos; at most ${MAX_PHOTOS} are taken for one product.`;
    yield { problem: { code: "TOO_MANY_PHOTOS", reason, externalId: idOf(parts) } };
    return;
  }
  yield {
    product: toProduct(
      parts,
      photos.map((name) => [...parts, name]),
    ),
  };
}

async function kindOf(root: string, here: string, entry: Dirent): Promise<"photo" | "folder" | "outside" | "other"> {
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return entry.isFile() && PHOTO.test(entry.name) ? "photo" : "other";
  const target = await realpath(path.join(here, entry.name)).catch(() => undefined);
  if (target === undefined) return PHOTO.test(entry.name) ? "photo" : "other";
  if (target !== root && !isBelow(target, root)) return "outside";
  // Folders behind a link are not walked: they may lead in circles, and are met under their own name anyway.
  return (await stat(target)).isFile() && PHOTO.test(entry.name) ? "photo" : "other";
}

function linkProblem(parts: readonly string[]): FeedEntryContent {
  const reason = `${parts.join("/")} is a link that leads out of the imported folder.`;
  const isPhoto = PHOTO.test(parts.at(-1) ?? "");
  return { problem: { code: "FOLDER_LINK", reason, ...(isPhoto ? { externalId: idOf(parts) } : {}) } };
}

function toProduct(parts: readonly string[], photos: readonly (readonly string[])[]): FolderProduct {
  const split = splitOf(parts);
  const name = parts.at(-1) ?? "";
  const title = name
    .replace(PHOTO, "")
    .replace(/[_\s]+/g, " ")
    .trim();
  return {
    externalId: idOf(parts),
    title: title || name,
    categoryPath: parts.slice(split === undefined ? 0 : 1, -1),
    inStock: true,
    attributes: {},
    status: "ACTIVE",
    photos: photos.map((photo) => ({ url: photoUrlOf(photo) })),
    ...(split === undefined ? {} : { split }),
  };
}

function splitOf(parts: readonly string[]): Split | undefined {
  const top = parts[0]?.toLowerCase() ?? "";
  return Object.hasOwn(SPLITS, top) ? SPLITS[top] : undefined;
}

/** The path below ROOT; a long one is cut and made unique again by a hash. */
function idOf(parts: readonly string[]): string {
  const id = parts.join("/");
  if (id.length <= MAX_ID_LENGTH) return id;
  return `${id.slice(0, 200)}~${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}
