/** What a design fixes for all its colours and views: three proportions 0 … 1 and a surface pattern. */
export interface Design {
  readonly proportions: readonly [number, number, number];
  readonly pattern: "plain" | "stripes" | "dots" | "checks";
}

export interface Palette {
  readonly main: string;
  readonly dark: string;
  readonly light: string;
}

/** Draws one product as SVG inside a 400 × 400 box; `fill` is a paint that shows the design's pattern. */
export type ProductShape = (design: Design, palette: Palette, fill: string) => string;

const path = (d: string, fill: string, extra = "") => `<path d="${d}" fill="${fill}" ${extra}/>`;
const line = (d: string, stroke: string, width: number) =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;

const shirt: ProductShape = ({ proportions: [sleeve, length, neck] }, { dark }, fill) => {
  const cuff = 150 + sleeve * 130;
  const hem = 300 + length * 50;
  const collar = 92 + neck * 45;
  return (
    path(
      `M140 90 L70 130 L${50 - sleeve * 10} ${cuff} L${100 - sleeve * 8} ${cuff + 15} L122 180 L122 ${hem} L278 ${hem} L278 180 L${300 + sleeve * 8} ${cuff + 15} L${350 + sleeve * 10} ${cuff} L330 130 L260 90 Q200 ${collar + 30} 140 90 Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) + line(`M150 92 Q200 ${collar + 16} 250 92`, dark, 7)
  );
};

const dress: ProductShape = ({ proportions: [flare, waist, strap] }, { dark }, fill) => {
  const half = 50 + flare * 90;
  const y = 150 + waist * 50;
  return (
    path(
      `M165 95 Q200 ${115 + strap * 30} 235 95 L245 ${y} L${200 + half} 355 Q200 ${370 + flare * 15} ${200 - half} 355 L155 ${y} Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    line(`M167 97 L${172 - strap * 14} 45 M233 97 L${228 + strap * 14} 45`, dark, 5 + strap * 10) +
    line(`M156 ${y} Q200 ${y + 14} 244 ${y}`, dark, 8)
  );
};

const trousers: ProductShape = ({ proportions: [width, length, rise] }, { dark, light }, fill) => {
  const ankle = 24 + width * 42;
  const hem = 235 + length * 125;
  const crotch = 165 + rise * 35;
  return (
    path(
      `M130 50 L270 50 L${278 + width * 14} ${hem} L${278 + width * 14 - ankle} ${hem} L200 ${crotch} L${122 - width * 14 + ankle} ${hem} L${122 - width * 14} ${hem} Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    `<rect x="128" y="46" width="144" height="20" rx="4" fill="${dark}"/><circle cx="200" cy="56" r="5" fill="${light}"/>` +
    line(`M200 68 L200 ${crotch - 8}`, dark, 3)
  );
};

const shoe: ProductShape = ({ proportions: [sole, ankle, toe] }, { dark, light }, fill) => {
  const thick = 14 + sole * 30;
  const top = 190 - ankle * 90;
  return (
    path(
      `M70 ${top} Q110 ${top + 18} 150 ${top} L190 200 Q260 ${225 - toe * 20} 330 ${242 + toe * 10} Q352 262 345 282 L65 282 Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    `<rect x="58" y="280" width="292" height="${thick}" rx="12" fill="${light}" stroke="${dark}" stroke-width="3"/>` +
    line("M165 208 L205 190 M180 222 L222 204 M198 236 L240 218", light, 6)
  );
};

const hat: ProductShape = ({ proportions: [brim, crown, dent] }, { dark, light }, fill) => {
  const half = 95 + brim * 90;
  const top = 150 - crown * 80;
  return (
    `<ellipse cx="200" cy="265" rx="${half}" ry="${24 + brim * 18}" fill="${dark}"/>` +
    path(
      `M112 262 L${128 + dent * 12} ${top} Q200 ${top - 24 + dent * 50} ${272 - dent * 12} ${top} L288 262 Q200 290 112 262 Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    path("M113 240 Q200 268 287 240 L288 262 Q200 290 112 262 Z", light)
  );
};

const bag: ProductShape = ({ proportions: [height, handle, flap] }, { dark, light }, fill) => {
  const top = 220 - height * 70;
  const loop = top - 40 - handle * 70;
  return (
    line(`M145 ${top + 6} C145 ${loop} 255 ${loop} 255 ${top + 6}`, dark, 13) +
    path(
      `M95 ${top} L305 ${top} L325 335 Q200 350 75 335 Z`,
      fill,
      `stroke="${dark}" stroke-width="3" stroke-linejoin="round"`,
    ) +
    path(
      `M95 ${top} L305 ${top} L${285 - flap * 40} ${top + 50 + flap * 45} L${115 + flap * 40} ${top + 50 + flap * 45} Z`,
      dark,
    ) +
    `<circle cx="200" cy="${top + 44 + flap * 45}" r="9" fill="${light}"/>`
  );
};

const mug: ProductShape = ({ proportions: [height, taper, loop] }, { dark, light }, fill) => {
  const top = 160 - height * 70;
  const inset = taper * 34;
  return (
    line(`M275 ${top + 45} C${335 + loop * 45} ${top + 35} ${335 + loop * 45} 285 272 275`, dark, 17 + loop * 8) +
    path(
      `M115 ${top} L285 ${top} L${285 - inset} 325 Q200 345 ${115 + inset} 325 Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    `<ellipse cx="200" cy="${top}" rx="86" ry="18" fill="${light}" stroke="${dark}" stroke-width="3"/>`
  );
};

const chair: ProductShape = ({ proportions: [back, arms, splay] }, { dark, light }, fill) => {
  const top = 150 - back * 95;
  const foot = splay * 32;
  return (
    line(
      `M140 240 L${132 - foot} 360 M262 240 L${270 + foot} 360 M160 240 L${156 - foot / 2} 335 M242 240 L${246 + foot / 2} 335`,
      dark,
      10,
    ) +
    `<rect x="135" y="${top}" width="130" height="${225 - top}" rx="${12 + arms * 40}" fill="${fill}" stroke="${dark}" stroke-width="3"/>` +
    path("M118 220 L282 220 L292 252 L108 252 Z", light, `stroke="${dark}" stroke-width="3"`) +
    (arms > 0.45 ? line("M112 225 L112 180 L140 178 M288 225 L288 180 L260 178", dark, 11) : "")
  );
};

const lamp: ProductShape = ({ proportions: [shade, stem, base] }, { dark, light }, fill) => {
  const half = 55 + shade * 55;
  const bottom = 150 + stem * 45;
  return (
    `<rect x="194" y="${bottom}" width="12" height="${340 - bottom}" fill="${dark}"/>` +
    `<ellipse cx="200" cy="345" rx="${45 + base * 55}" ry="${11 + base * 8}" fill="${dark}"/>` +
    path(
      `M${200 - half * 0.55} 55 L${200 + half * 0.55} 55 L${200 + half} ${bottom} L${200 - half} ${bottom} Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    `<ellipse cx="200" cy="${bottom}" rx="${half}" ry="10" fill="${light}"/>`
  );
};

const sofa: ProductShape = ({ proportions: [back, seats, arm] }, { dark, light }, fill) => {
  const top = 190 - back * 60;
  const width = 24 + arm * 26;
  const middle =
    seats > 0.5 ? line("M147 215 L147 275 M253 215 L253 275", dark, 4) : line("M200 215 L200 275", dark, 4);
  return (
    line("M80 300 L74 330 M320 300 L326 330", dark, 10) +
    `<rect x="62" y="${top}" width="276" height="${270 - top}" rx="${14 + arm * 22}" fill="${fill}" stroke="${dark}" stroke-width="3"/>` +
    `<rect x="70" y="215" width="260" height="62" rx="12" fill="${light}" stroke="${dark}" stroke-width="3"/>` +
    middle +
    `<rect x="44" y="195" width="${width}" height="108" rx="12" fill="${fill}" stroke="${dark}" stroke-width="3"/>` +
    `<rect x="${356 - width}" y="195" width="${width}" height="108" rx="12" fill="${fill}" stroke="${dark}" stroke-width="3"/>`
  );
};

const watch: ProductShape = ({ proportions: [dial, strap, square] }, { dark, light }, fill) => {
  const radius = 58 + dial * 34;
  const half = 22 + strap * 24;
  const corner = square > 0.5 ? radius * 0.28 : radius;
  return (
    `<rect x="${200 - half}" y="35" width="${half * 2}" height="330" rx="16" fill="${fill}" stroke="${dark}" stroke-width="3"/>` +
    `<rect x="${200 - radius}" y="${200 - radius}" width="${radius * 2}" height="${radius * 2}" rx="${corner}" fill="${light}" stroke="${dark}" stroke-width="12"/>` +
    line(`M200 200 L200 ${200 - radius * 0.6} M200 200 L${200 + radius * 0.42} ${200 + radius * 0.2}`, dark, 6)
  );
};

const bottle: ProductShape = ({ proportions: [body, neck, label] }, { dark, light }, fill) => {
  const half = 42 + body * 38;
  const shoulder = 130 + neck * 55;
  return (
    `<rect x="182" y="42" width="36" height="26" rx="5" fill="${dark}"/>` +
    path(
      `M186 66 L186 ${shoulder - 40} Q${200 - half} ${shoulder - 12} ${200 - half} ${shoulder + 22} L${200 - half} 345 Q200 362 ${200 + half} 345 L${200 + half} ${shoulder + 22} Q${200 + half} ${shoulder - 12} 214 ${shoulder - 40} L214 66 Z`,
      fill,
      `stroke="${dark}" stroke-width="3"`,
    ) +
    `<rect x="${200 - half}" y="${225 + label * 25}" width="${half * 2}" height="${40 + label * 30}" fill="${light}"/>`
  );
};

/** Category path → shape, in the order of the feed. */
export const PRODUCT_SHAPES: readonly {
  readonly category: string;
  readonly noun: string;
  readonly draw: ProductShape;
}[] = [
  { category: "Clothing > Shirts", noun: "Shirt", draw: shirt },
  { category: "Clothing > Dresses", noun: "Dress", draw: dress },
  { category: "Clothing > Trousers", noun: "Trousers", draw: trousers },
  { category: "Accessories > Shoes", noun: "Shoe", draw: shoe },
  { category: "Accessories > Hats", noun: "Hat", draw: hat },
  { category: "Accessories > Bags", noun: "Bag", draw: bag },
  { category: "Accessories > Watches", noun: "Watch", draw: watch },
  { category: "Home > Mugs", noun: "Mug", draw: mug },
  { category: "Home > Bottles", noun: "Bottle", draw: bottle },
  { category: "Home > Chairs", noun: "Chair", draw: chair },
  { category: "Home > Lamps", noun: "Lamp", draw: lamp },
  { category: "Home > Sofas", noun: "Sofa", draw: sofa },
];
