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

/** A picture in the making: photos and texts at places in pixels. */
export interface SheetDrawing {
  /** A photo by its key in the blob store; one that is missing or unreadable leaves an empty frame. */
  photo(contentHash: string | undefined, left: number, top: number, side: number): Promise<void>;
  /** SVG, drawn over the photos. */
  add(svg: string): void;
  /** @returns a PNG */
  finish(): Promise<Buffer>;
}

export function openDrawing(core: Pick<Core, "blobs">, width: number, height: number): SheetDrawing {
  const overlays: OverlayOptions[] = [];
  const parts: string[] = [];
  return {
    async photo(contentHash, left, top, side) {
      const input = contentHash === undefined ? undefined : await thumbnail(core, contentHash, side);
      if (input) overlays.push({ input, left, top });
      else parts.push(`<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="#e8e8e8"/>`);
    },
    add: (svg) => void parts.push(svg),
    finish() {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join("")}</svg>`;
      return sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
        .composite([...overlays, { input: Buffer.from(svg), left: 0, top: 0 }])
        .png({ compressionLevel: 9 })
        .toBuffer();
    },
  };
}

/** Keys in the blob store: of the query's first photo, and of each item's photo that matched best. */
export async function findPhotos(
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

/** A line of text below a photo, cut where it would be too long. */
export function caption(
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
