import { caption, findPhotos, openDrawing, type SheetItem, type SheetQuery } from "../cli/sheet-drawing.js";
import type { Core } from "../compose.js";

export interface ComparedItem extends SheetItem {
  /** What the customers of this shop look for, as the item has it. */
  readonly label: string;
}

export interface SheetRow {
  readonly title: string;
  readonly items: readonly ComparedItem[];
}

/** Pixels. */
const MARGIN = 24;
const GAP = 16;
const QUERY = 360;
const THUMB = 200;
const TITLE = 40;
const CAPTION = 68;
const RIGHT = "#1a7f37";
const WRONG = "#b3261e";

/**
 * The product asked for, large, and beside it a row of what was found for each model, nearest first, with distances;
 * framed by whether it has the label that was asked for.
 * @returns a PNG
 */
export async function drawComparisonSheet(
  core: Pick<Core, "products" | "blobs">,
  query: SheetQuery & { readonly label: string },
  rows: readonly SheetRow[],
): Promise<Buffer> {
  const rowHeight = TITLE + THUMB + CAPTION;
  const gridLeft = MARGIN + QUERY + 2 * GAP;
  const columns = Math.max(1, ...rows.map(({ items }) => items.length));
  const width = gridLeft + columns * (THUMB + GAP) - GAP + MARGIN;
  const height = 2 * MARGIN + Math.max(TITLE + QUERY + CAPTION, rows.length * (rowHeight + GAP) - GAP);
  const drawing = openDrawing(core, width, height);
  const photos = await findPhotos(core, query, rows[0]?.items ?? []);
  await drawing.photo(photos.query, MARGIN, MARGIN + TITLE, QUERY);
  drawing.add(caption(MARGIN, MARGIN + TITLE + QUERY, QUERY, query.title, 18, 34));
  for (const [rowIndex, { title, items }] of rows.entries()) {
    const top = MARGIN + rowIndex * (rowHeight + GAP);
    drawing.add(
      `<text x="${gridLeft}" y="${top + 22}" font-family="sans-serif" font-size="20" font-weight="600" fill="#222222">${title}</text>`,
    );
    const found = await findPhotos(core, query, items);
    for (const [index, item] of items.entries()) {
      const left = gridLeft + index * (THUMB + GAP);
      const colour = item.label === query.label ? RIGHT : WRONG;
      await drawing.photo(found.items[index], left, top + TITLE, THUMB);
      drawing.add(
        `<rect x="${left + 2}" y="${top + TITLE + 2}" width="${THUMB - 4}" height="${THUMB - 4}" fill="none" stroke="${colour}" stroke-width="4"/>`,
      );
      const below = top + TITLE + THUMB;
      drawing.add(caption(left, below, THUMB, item.label, 15, 26, colour));
      drawing.add(caption(left, below + 20, THUMB, item.distance.toFixed(3), 15, 26, "#0a58ca"));
      drawing.add(caption(left, below + 40, THUMB, item.product.title, 13, 25));
    }
  }
  return drawing.finish();
}
