import sharp, { type OverlayOptions } from "sharp";
import type { Core } from "../compose.js";

export interface SheetQuery {
  readonly title: string;
  readonly productId: bigint;
}

export interface SheetItem {
  readonly distance: number;
  readonly reason: "VISUAL" | "PINNED" | "FALLBACK";
  readonly matchedImageId?: bigint;
  readonly product: { readonly id: bigint; readonly title: string };
}

/** Pixels. */
const MARGIN = 24;
const GAP = 16;
const QUERY = 360;
const THUMB = 200;
const CAPTION = 46;
const COLUMNS = 6;

/**
 * One picture for a person to judge by: the product asked for, large, and beside it what was found, nearest first,
 * with distances. Photos that are missing leave an empty frame.
 * @returns a PNG
 */
export async function drawContactSheet(
  core: Pick<Core, "products" | "blobs">,
  query: SheetQuery,
  items: readonly SheetItem[],
): Promise<Buffer> {
  const rows = Math.max(1, Math.ceil(items.length / COLUMNS));
  const gridLeft = MARGIN + QUERY + 2 * GAP;
  const columns = Math.min(COLUMNS, Math.max(1, items.length));
  const width = gridLeft + columns * (THUMB + GAP) - GAP + MARGIN;
  const height = MARGIN * 2 + Math.max(QUERY + CAPTION, rows * (THUMB + CAPTION + GAP) - GAP);

  const photos = await findPhotos(core, query, items);
  const overlays: OverlayOptions[] = [];
  const texts: string[] = [];
  const place = async (photo: string | undefined, left: number, top: number, side: number): Promise<void> => {
    const input = photo === undefined ? undefined : await thumbnail(core, photo, side);
    if (input) overlays.push({ input, left, top });
    else texts.push(`<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="#e8e8e8"/>`);
  };

  await place(photos.query, MARGIN, MARGIN, QUERY);
  texts.push(caption(MARGIN, MARGIN + QUERY, QUERY, query.title, 18, 34));
  for (const [index, item] of items.entries()) {
    const left = gridLeft + (index % COLUMNS) * (THUMB + GAP);
    const top = MARGIN + Math.floor(index / COLUMNS) * (THUMB + CAPTION + GAP);
    await place(photos.items[index], left, top, THUMB);
    const distance = item.reason === "FALLBACK" ? "fallback" : item.distance.toFixed(3);
    texts.push(caption(left, top + THUMB, THUMB, distance, 15, 26, "#0a58ca"));
    texts.push(caption(left, top + THUMB + 20, THUMB, item.product.title, 13, 25));
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts.join("")}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
    .composite([...overlays, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** Keys in the blob store: of the query's first photo, and of each item's photo that matched best. */
async function findPhotos(
  { products }: Pick<Core, "products">,
  query: SheetQuery,
  items: readonly SheetItem[],
): Promise<{ query: string | undefined; items: (string | undefined)[] }> {
  const images = await products.imagesOf([query.productId, ...items.map(({ product }) => product.id)]);
  const choose = (productId: bigint, imageId?: bigint): string | undefined => {
    const stored = (images.get(productId) ?? []).filter(({ contentHash }) => contentHash !== null);
    return (stored.find(({ id }) => id === imageId) ?? stored[0])?.contentHash ?? undefined;
  };
  return {
    query: choose(query.productId),
    items: items.map(({ product, matchedImageId }) => choose(product.id, matchedImageId)),
  };
}

async function thumbnail(
  { blobs }: Pick<Core, "blobs">,
  contentHash: string,
  side: number,
): Promise<Buffer | undefined> {
  try {
    return await sharp(await blobs.read(contentHash))
      .autoOrient()
      .resize(side, side, { fit: "contain", background: "#ffffff" })
      .flatten({ background: "#ffffff" })
      .png()
      .toBuffer();
  } catch {
    // A photo that was found unreadable when it was embedded; the sheet shows an empty frame.
    return undefined;
  }
}

function caption(
  left: number,
  top: number,
  width: number,
  text: string,
  size: number,
  longest: number,
  colour = "#222222",
): string {
  // By code points: half of an emoji would not be XML any more.
  const points = [...text];
  const shown = points.length > longest ? `${points.slice(0, longest - 1).join("")}…` : text;
  return (
    `<text x="${left + width / 2}" y="${top + size + 4}" font-family="sans-serif" font-size="${size}" ` +
    `text-anchor="middle" fill="${colour}">${escapeXml(shown)}</text>`
  );
}

function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
