import { type Density, densityAt, densityOf, rangeOf } from "./density.js";
import type { DistanceDistribution } from "./distribution.type.js";

/** Pixels. */
const WIDTH = 1200;
const HEADING = 84;
const PANEL = 400;
const FOOT = 64;
const PLOT = { left: 64, right: 850, top: 58, bottom: 356 };
const LEGEND_LEFT = 884;
/** Distinct for the colour-blind too: blue belongs together, orange does not; the dark parts are hard. */
const COLOURS = {
  positive: { line: "#0b4f8a", easy: "#cfe3f5", hard: "#5c9fd6" },
  negative: { line: "#a34700", easy: "#fde3cc", hard: "#f0994f" },
  ink: "#1c1c1c",
  soft: "#6a6a6a",
  grid: "#e3e3e3",
  threshold: "#7b2d8b",
};

interface Scale {
  x(distance: number): number;
  y(density: number): number;
  readonly from: number;
  readonly to: number;
}

/**
 * One panel a model, one below the other: how far photos of the same label are apart and those of different ones, with
 * the bands that training mines from. Each panel has its own scale: models differ in how large their distances are,
 * and what counts is how much the two hills share.
 * @param panels with what each is called, `before` or `after`
 * @returns an SVG document
 */
export function drawDistributions(
  panels: readonly { readonly title: string; readonly distribution: DistanceDistribution }[],
): string {
  const height = HEADING + panels.length * PANEL + FOOT;
  const labels = panels[0]?.distribution.labels ?? "";
  const parts = [
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(PLOT.left, 38, `Distances between photos, by ${labels}`, { size: 24, weight: 600 }),
    text(
      PLOT.left,
      64,
      panels.length > 1
        ? "The less the two hills share, the better neighbours are told from others. Each model has its own scale."
        : "The less the two hills share, the better neighbours are told from others.",
      {
        size: 15,
        colour: COLOURS.soft,
      },
    ),
    ...panels.map(
      ({ title, distribution }, at) =>
        `<g transform="translate(0 ${HEADING + at * PANEL})">${drawPanel(title, distribution)}</g>`,
    ),
    text((PLOT.left + PLOT.right) / 2, HEADING + panels.length * PANEL + 22, "cosine distance", {
      size: 15,
      anchor: "middle",
      colour: COLOURS.soft,
    }),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">${parts.join("")}</svg>\n`
  );
}

function drawPanel(title: string, { report, model }: DistanceDistribution): string {
  const ranges = [rangeOf(report.positive), rangeOf(report.negative)];
  const from = Math.max(0, Math.floor(Math.min(...ranges.map(({ low }) => low)) * 20 - 1) / 20);
  const to = Math.min(2, Math.ceil(Math.max(...ranges.map(({ high }) => high)) * 20 + 1) / 20);
  const positive = densityOf(report.positive, report.photos);
  const negative = densityOf(report.negative, report.photos);
  const highest = Math.max(positive.highest, negative.highest) || 1;
  const scale: Scale = {
    from,
    to,
    x: (distance) => PLOT.left + ((distance - from) / (to - from)) * (PLOT.right - PLOT.left),
    y: (density) => PLOT.bottom - (density / (highest * 1.08)) * (PLOT.bottom - PLOT.top),
  };
  const { positivePeak, negativePeak } = report.bands;
  return [
    text(PLOT.left, 32, title, { size: 19, weight: 600 }),
    text(PLOT.left + 11 * title.length + 12, 32, model, { size: 16, colour: COLOURS.soft }),
    drawAxis(scale),
    area(negative, scale, from, negativePeak, COLOURS.negative.hard),
    area(negative, scale, negativePeak, to, COLOURS.negative.easy),
    area(positive, scale, from, positivePeak, COLOURS.positive.easy),
    area(positive, scale, positivePeak, to, COLOURS.positive.hard),
    curve(negative, scale, COLOURS.negative.line),
    curve(positive, scale, COLOURS.positive.line),
    peak(positivePeak, positive, scale, COLOURS.positive.line, positivePeak <= negativePeak ? "end" : "start"),
    peak(negativePeak, negative, scale, COLOURS.negative.line, positivePeak <= negativePeak ? "start" : "end"),
    threshold(report.equalErrorThreshold, scale),
    drawLegend(report),
  ].join("");
}

function drawAxis(scale: Scale): string {
  const step = scale.to - scale.from > 0.8 ? 0.2 : scale.to - scale.from > 0.4 ? 0.1 : 0.05;
  const ticks: string[] = [];
  for (let tick = Math.ceil(scale.from / step - 1e-9); tick * step <= scale.to + 1e-9; tick++) {
    const x = scale.x(tick * step).toFixed(1);
    ticks.push(
      `<line x1="${x}" x2="${x}" y1="${PLOT.top}" y2="${PLOT.bottom}" stroke="${COLOURS.grid}"/>`,
      text(Number(x), PLOT.bottom + 20, (tick * step).toFixed(step < 0.1 ? 2 : 1), { size: 14, anchor: "middle" }),
    );
  }
  return `${ticks.join("")}<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${PLOT.bottom}" y2="${PLOT.bottom}" stroke="${COLOURS.ink}"/>`;
}

function area(density: Density, scale: Scale, from: number, to: number, fill: string): string {
  const [left, right] = [Math.max(from, scale.from), Math.min(to, scale.to)];
  if (left >= right) return "";
  const line = [
    { distance: left, density: densityAt(density, left) },
    ...density.points.filter(({ distance }) => distance > left && distance < right),
    { distance: right, density: densityAt(density, right) },
  ].map((point) => `L${scale.x(point.distance).toFixed(1)} ${scale.y(point.density).toFixed(1)}`);
  return `<path d="M${scale.x(left).toFixed(1)} ${PLOT.bottom}${line.join("")}L${scale.x(right).toFixed(1)} ${PLOT.bottom}Z" fill="${fill}" fill-opacity=".7"/>`;
}

function curve(density: Density, scale: Scale, stroke: string): string {
  const inside = density.points.filter(({ distance }) => distance >= scale.from && distance <= scale.to);
  const line = inside.map((point) => `${scale.x(point.distance).toFixed(1)},${scale.y(point.density).toFixed(1)}`);
  return `<polyline points="${line.join(" ")}" fill="none" stroke="${stroke}" stroke-width="2.5" stroke-linejoin="round"/>`;
}

function peak(distance: number, density: Density, scale: Scale, colour: string, anchor: "start" | "end"): string {
  const x = scale.x(distance);
  const y = scale.y(densityAt(density, distance));
  return (
    `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${y.toFixed(1)}" y2="${PLOT.bottom}" stroke="${colour}" stroke-width="1.5" stroke-dasharray="6 4"/>` +
    text(x + (anchor === "end" ? -7 : 7), y - 8, distance.toFixed(3), {
      size: 14,
      anchor,
      colour,
      weight: 600,
      halo: true,
    })
  );
}

function threshold(distance: number, scale: Scale): string {
  const x = scale.x(distance).toFixed(1);
  return `<line x1="${x}" x2="${x}" y1="${PLOT.top}" y2="${PLOT.bottom}" stroke="${COLOURS.threshold}" stroke-width="2" stroke-dasharray="2 4"/>`;
}

function drawLegend(report: DistanceDistribution["report"]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const { positive, negative } = COLOURS;
  const swatches: [string, string, string, string][] = [
    [positive.easy, positive.line, "same label, easy", percent(report.easyPositives)],
    [positive.hard, positive.line, "same label, hard", percent(report.hardPositives)],
    [negative.hard, negative.line, "other label, hard", percent(report.hardNegatives)],
    [negative.easy, negative.line, "other label, easy", percent(report.easyNegatives)],
  ];
  const figures: [string, string][] = [
    ["d′ (distance of the means)", report.dPrime.toFixed(2)],
    ["overlap", percent(report.overlap)],
    ["equal errors at", report.equalErrorThreshold.toFixed(3)],
    ["errors there", percent(report.equalErrorRate)],
    ["mean, same label", report.meanPositive.toFixed(3)],
    ["mean, other label", report.meanNegative.toFixed(3)],
  ];
  const right = WIDTH - 40;
  const rows = [
    ...swatches.map(([fill, stroke, name, value], at) => {
      const y = PLOT.top + 10 + at * 27;
      return (
        `<rect x="${LEGEND_LEFT}" y="${y - 12}" width="22" height="15" fill="${fill}" stroke="${stroke}" stroke-width="1.5"/>` +
        text(LEGEND_LEFT + 32, y, name, { size: 15 }) +
        text(right, y, value, { size: 15, anchor: "end", weight: 600 })
      );
    }),
    ...figures.map(([name, value], at) => {
      const y = PLOT.top + 126 + at * 23;
      const mark =
        name === "equal errors at"
          ? `<line x1="${LEGEND_LEFT}" x2="${LEGEND_LEFT + 22}" y1="${y - 5}" y2="${y - 5}" stroke="${COLOURS.threshold}" stroke-width="2" stroke-dasharray="2 4"/>`
          : "";
      return (
        mark +
        text(LEGEND_LEFT + 32, y, name, { size: 15 }) +
        text(right, y, value, { size: 15, anchor: "end", weight: 600 })
      );
    }),
    text(
      LEGEND_LEFT,
      PLOT.bottom - 20,
      `${count(report.photos)} photos, ${count(report.positivePairs)} pairs of the same`,
      {
        size: 13,
        colour: COLOURS.soft,
      },
    ),
    text(
      LEGEND_LEFT,
      PLOT.bottom + 4,
      `label, ${report.allNegatives ? "all" : "a sample of"} ${count(report.negativePairs)} of others`,
      { size: 13, colour: COLOURS.soft },
    ),
  ];
  return rows.join("");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function text(
  x: number,
  y: number,
  content: string,
  style: {
    readonly size: number;
    readonly anchor?: "start" | "middle" | "end";
    readonly colour?: string;
    readonly weight?: number;
    readonly halo?: boolean;
  },
): string {
  const { size, anchor = "start", colour = COLOURS.ink, weight = 400, halo = false } = style;
  const outline = halo ? ' stroke="#ffffff" stroke-width="4" paint-order="stroke" stroke-linejoin="round"' : "";
  const escaped = content.replace(/[<>&'"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${colour}"${outline}>${escaped}</text>`;
}
