import type { Core } from "../compose.js";
import { caption, findPhotos, openDrawing, type SheetItem, type SheetQuery } from "./sheet-drawing.js";

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
  const drawing = openDrawing(core, width, height);
  await drawing.photo(photos.query, MARGIN, MARGIN, QUERY);
  drawing.add(caption(MARGIN, MARGIN + QUERY, QUERY, query.title, 18, 34));
  for (const [index, item] of items.entries()) {
    const left = gridLeft + (index % COLUMNS) * (THUMB + GAP);
    const top = MARGIN + Math.floor(index / COLUMNS) * (THUMB + CAPTION + GAP);
    await drawing.photo(photos.items[index], left, top, THUMB);
    const distance = item.reason === "FALLBACK" ? "fallback" : item.distance.toFixed(3);
    drawing.add(caption(left, top + THUMB, THUMB, distance, 15, 26, "#0a58ca"));
    drawing.add(caption(left, top + THUMB + 20, THUMB, item.product.title, 13, 25));
  }
  return drawing.finish();
}
