import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { between, drawPhoto, type View } from "./draw-photo.js";
import { type Design, type Palette, PRODUCT_SHAPES } from "./product-shapes.js";

const COLOURS: readonly {
  readonly name: string;
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}[] = [
  { name: "red", hue: 356, saturation: 68, lightness: 48 },
  { name: "orange", hue: 26, saturation: 82, lightness: 54 },
  { name: "mustard", hue: 46, saturation: 74, lightness: 50 },
  { name: "green", hue: 136, saturation: 40, lightness: 40 },
  { name: "teal", hue: 180, saturation: 46, lightness: 38 },
  { name: "blue", hue: 216, saturation: 62, lightness: 48 },
  { name: "purple", hue: 276, saturation: 38, lightness: 48 },
  { name: "pink", hue: 336, saturation: 62, lightness: 70 },
  { name: "sand", hue: 36, saturation: 30, lightness: 72 },
  { name: "charcoal", hue: 220, saturation: 8, lightness: 30 },
];
/**
 * Designs have them in turn. Customers of this shop look for a pattern, and the encoder as it came looks at cuts, poses
 * and backgrounds too: that is what training has to learn.
 */
const PATTERNS: readonly Design["pattern"][] = ["plain", "stripes", "dots", "checks"];
const MATERIALS = ["cotton", "linen", "wool", "leather", "oak", "steel", "ceramic", "glass"];
const BRANDS = ["Alder & Finch", "Nordlys", "Casa Verde", "Piccolo", "Hinoki"];
const DESIGNS_PER_CATEGORY = 12;
const COLOURS_PER_DESIGN = 2;
/** The first designs of each category test what training learns from the others. */
const TEST_DESIGNS = 3;

/** Columns of the feed, as Google Merchant names them. */
const COLUMNS = [
  "id",
  "item_group_id",
  "title",
  "image_link",
  "additional_image_link",
  "product_type",
  "price",
  "availability",
  "brand",
  "color",
  "material",
  "pattern",
  "split",
] as const;

function palette(hue: number, saturation: number, lightness: number): Palette {
  return {
    main: `hsl(${hue} ${saturation}% ${lightness}%)`,
    dark: `hsl(${hue} ${saturation}% ${Math.max(12, lightness - 20)}%)`,
    light: `hsl(${hue} ${Math.max(8, saturation - 20)}% ${Math.min(92, lightness + 30)}%)`,
  };
}

const csvField = (value: string) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/**
 * Draws a shop: 12 categories × 12 designs in two colours = 288 products with two photos each, and the product feed that
 * names them. Three designs of each category are set aside to test by. The same seed draws the same bytes.
 * @param folder gets `products.csv` and `photos/`
 * @param onProgress called after each product
 * @returns the path of the feed, and the count of products and photos
 */
export async function drawCatalog(
  folder: string,
  seed: number,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<{ feed: string; products: number; photos: number }> {
  const random = xoroshiro128plus(seed);
  const photoFolder = path.join(folder, "photos");
  await mkdir(photoFolder, { recursive: true });
  const rows: string[][] = [];
  const total = PRODUCT_SHAPES.length * DESIGNS_PER_CATEGORY * COLOURS_PER_DESIGN;
  let photos = 0;
  for (const [categoryIndex, { category, noun, draw }] of PRODUCT_SHAPES.entries()) {
    for (let designIndex = 0; designIndex < DESIGNS_PER_CATEGORY; designIndex++) {
      const design: Design = {
        proportions: [between(random, 0, 1), between(random, 0, 1), between(random, 0, 1)],
        pattern: PATTERNS[designIndex % PATTERNS.length] ?? "plain",
      };
      const group = `${noun.toLowerCase()}-${designIndex + 1}`;
      const material = MATERIALS[(categoryIndex * 3 + designIndex) % MATERIALS.length] ?? "cotton";
      const brand = BRANDS[uniformInt(random, 0, BRANDS.length - 1)] ?? "Nordlys";
      const euros = uniformInt(random, 9, 180);
      const firstColour = 3 * designIndex + categoryIndex;
      for (let variant = 0; variant < COLOURS_PER_DESIGN; variant++) {
        const colour = COLOURS[(firstColour + variant * 3) % COLOURS.length];
        if (!colour) continue;
        const views: View[] = ["front", uniformInt(random, 0, 2) === 0 ? "detail" : "angle"];
        const files: string[] = [];
        for (const view of views) {
          const file = `photos/${group}-${colour.name}-${view}.jpg`;
          const bytes = await drawPhoto(
            draw,
            design,
            palette(colour.hue, colour.saturation, colour.lightness),
            view,
            random,
          );
          await writeFile(path.join(folder, file), bytes);
          files.push(file);
        }
        photos += files.length;
        rows.push([
          `${group}-${colour.name}`,
          group,
          `${brand} ${noun} ${designIndex + 1}, ${colour.name}`,
          files[0] ?? "",
          files.slice(1).join(","),
          category,
          `${euros}.90 EUR`,
          uniformInt(random, 0, 9) === 0 ? "out_of_stock" : "in_stock",
          brand,
          colour.name,
          material,
          design.pattern,
          designIndex < TEST_DESIGNS ? "test" : "train",
        ]);
        onProgress(rows.length, total);
      }
    }
  }
  const feed = path.join(folder, "products.csv");
  await writeFile(feed, `${[COLUMNS, ...rows].map((row) => row.map(csvField).join(",")).join("\n")}\n`);
  return { feed, products: rows.length, photos };
}
