import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import sharp from "sharp";
import type { Design, Palette, ProductShape } from "./product-shapes.js";

export type View = "front" | "angle" | "detail";

/** Uniform in [low, high). */
export function between(random: RandomGenerator, low: number, high: number): number {
  return low + ((high - low) * uniformInt(random, 0, 0xffffff)) / 0x1000000;
}

function surface({ pattern }: Design, { main, dark }: Palette): { definition: string; fill: string } {
  const shade = `<linearGradient id="shade"><stop offset="0" stop-color="${main}"/><stop offset="1" stop-color="${dark}"/></linearGradient>`;
  const tile = (inner: string, size: number) =>
    `<pattern id="tile" width="${size}" height="${size}" patternUnits="userSpaceOnUse"><rect width="${size}" height="${size}" fill="${main}"/>${inner}</pattern>`;
  switch (pattern) {
    case "plain":
      return { definition: shade, fill: "url(#shade)" };
    case "stripes":
      return { definition: tile(`<rect width="24" height="9" fill="${dark}"/>`, 24), fill: "url(#tile)" };
    case "dots":
      return { definition: tile(`<circle cx="11" cy="11" r="5" fill="${dark}"/>`, 22), fill: "url(#tile)" };
    case "checks":
      return {
        definition: tile(
          `<rect width="17" height="17" fill="${dark}"/><rect x="17" y="17" width="17" height="17" fill="${dark}"/>`,
          34,
        ),
        fill: "url(#tile)",
      };
  }
}

/** A plain studio sweep, a tinted wall with a floor, or a table: what shops photograph on. */
function background(random: RandomGenerator): string {
  const hue = Math.round(between(random, 0, 360));
  switch (uniformInt(random, 0, 2)) {
    case 0:
      return `<radialGradient id="sweep"><stop offset="0" stop-color="#fff"/><stop offset="1" stop-color="hsl(${hue} 12% 84%)"/></radialGradient><rect width="400" height="400" fill="url(#sweep)"/>`;
    case 1:
      return `<rect width="400" height="400" fill="hsl(${hue} 12% 84%)"/><rect y="${Math.round(between(random, 270, 330))}" width="400" height="140" fill="hsl(${hue} 9% 70%)"/>`;
    default:
      return `<linearGradient id="table" x2="0" y2="1"><stop offset="0" stop-color="hsl(30 16% 72%)"/><stop offset="1" stop-color="hsl(26 20% 58%)"/></linearGradient><rect width="400" height="400" fill="url(#table)"/>`;
  }
}

function placement(view: View, random: RandomGenerator): string {
  const shift = () => between(random, -14, 14).toFixed(1);
  switch (view) {
    case "front":
      return `translate(${shift()} ${shift()}) rotate(${between(random, -4, 4).toFixed(1)} 200 200)`;
    case "angle":
      return `translate(${shift()} ${shift()}) rotate(${between(random, 8, 22).toFixed(1)} 200 200) translate(30 0) scale(.86 .95) skewX(-8)`;
    case "detail":
      return `translate(200 200) scale(${between(random, 1.35, 1.6).toFixed(2)}) translate(-200 -${Math.round(between(random, 180, 225))})`;
  }
}

/**
 * Draws one photo of a product: its shape, a view of it, a background and a light, all from `random`.
 * @returns a JPEG of 320 × 320 pixels
 */
export async function drawPhoto(
  shape: ProductShape,
  design: Design,
  palette: Palette,
  view: View,
  random: RandomGenerator,
): Promise<Buffer> {
  const { definition, fill } = surface(design, palette);
  const light = between(random, 0, 0.22).toFixed(2);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320" viewBox="0 0 400 400"><defs>${definition}<linearGradient id="light" x1="${between(random, 0, 1).toFixed(2)}" x2="${between(random, 0, 1).toFixed(2)}" y2="1"><stop offset="0" stop-color="#fff" stop-opacity="${light}"/><stop offset="1" stop-color="#000" stop-opacity="${light}"/></linearGradient></defs>${background(random)}<ellipse cx="206" cy="352" rx="120" ry="14" opacity=".22"/><g transform="${placement(view, random)}">${shape(design, palette, fill)}</g><rect width="400" height="400" fill="url(#light)"/></svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: "#fff" }).jpeg({ quality: 86 }).toBuffer();
}
