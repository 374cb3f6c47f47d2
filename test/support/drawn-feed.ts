import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { drawnPattern } from "./learning-drawn.js";

/** Shape and category of the drawn products. */
const SHAPES: Readonly<Record<string, string>> = {
  Mugs: '<rect x="60" y="70" width="90" height="100"/><circle cx="160" cy="115" r="26" fill="none" stroke-width="12"/>',
  Lamps: '<polygon points="120,30 190,130 50,130"/><rect x="112" y="130" width="16" height="80"/>',
  Bags: '<rect x="50" y="100" width="140" height="100"/><path d="M80 100 a40 40 0 0 1 80 0" fill="none" stroke-width="10"/>',
  Plates: '<circle cx="120" cy="120" r="85"/><circle cx="120" cy="120" r="45" fill="#ffffff66"/>',
};
const COLOURS = ["#c0392b", "#2980b9", "#27ae60", "#f39c12", "#8e44ad", "#34495e"];
const NAMES = ["red", "blue", "green", "orange", "purple", "grey"];

export interface DrawnFeed {
  /** Path of the CSV file; its photos lie beside it. */
  readonly file: string;
  readonly products: number;
  readonly photos: number;
}

/**
 * Draws a little shop: 4 categories × 6 colours, two variants a group, and a feed that names them.
 * @param copies of each product, with photos of their own
 */
export async function drawFeed(folder: string, copies = 1): Promise<DrawnFeed> {
  await mkdir(path.join(folder, "photos"), { recursive: true });
  const rows = ["id,item_group_id,title,image_link,product_type,price,availability,brand,color"];
  for (const [category, shape] of Object.entries(SHAPES)) {
    for (const [index, colour] of COLOURS.entries()) {
      for (let copy = 0; copy < copies; copy += 1) {
        const id = `${category.toLowerCase()}-${NAMES[index]}${copy === 0 ? "" : `-${copy}`}`;
        await writeFile(path.join(folder, "photos", `${id}.png`), await draw(shape, colour, copy));
        const group = `${category.toLowerCase()}-${Math.floor(index / 2)}${copy === 0 ? "" : `-${copy}`}`;
        const stock = index === 5 ? "out_of_stock" : "in_stock";
        const brand = index % 2 === 0 ? "Alder" : "Nordlys";
        rows.push(
          `${id},${group},${NAMES[index]} ${category},photos/${id}.png,Home > ${category},${10 + index}.50 EUR,${stock},${brand},${NAMES[index]}`,
        );
      }
    }
  }
  const file = path.join(folder, "feed.csv");
  await writeFile(file, `${rows.join("\n")}\n`);
  const products = rows.length - 1;
  return { file, products, photos: products };
}

/**
 * A shop whose four categories differ by a pattern, in any colours: an encoder of random weights hardly tells them apart
 * and a trained one does, so that the gate has something to say yes to. No groups: each product is asked about by itself.
 */
export async function drawPatternFeed(folder: string, products: number): Promise<DrawnFeed> {
  await mkdir(path.join(folder, "photos"), { recursive: true });
  const rows = ["id,title,image_link,product_type,price,availability"];
  for (let number = 0; number < products; number += 1) {
    const label = number % 4;
    await writeFile(path.join(folder, "photos", `${number}.png`), await drawnPattern(label, number));
    rows.push(
      `pattern-${number},Pattern ${number},photos/${number}.png,Home > Pattern ${label},${10 + label}.50 EUR,in_stock`,
    );
  }
  const file = path.join(folder, "feed.csv");
  await writeFile(file, `${rows.join("\n")}\n`);
  return { file, products, photos: products };
}

/** Other copies differ by a few pixels, so that no two photos have the same content. */
function draw(shape: string, colour: string, copy: number): Promise<Buffer> {
  const shift = `translate(${copy % 10} ${Math.floor(copy / 10)})`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240"><rect width="240" height="240" fill="#f4f1ea"/>
    <g fill="${colour}" stroke="${colour}" transform="${shift}">${shape}</g></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
