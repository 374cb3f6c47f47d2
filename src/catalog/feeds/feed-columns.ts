import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BadUserInput, messageOf } from "../../errors.js";
import type { FeedRow } from "./feed-entry.type.js";

/** Other spellings of our columns that feeds in the wild use. */
const ALIASES: Readonly<Record<string, string>> = {
  colour: "color",
  image_url: "image_link",
  additional_image_links: "additional_image_link",
  product_types: "product_type",
};

/** The feed's column → ours, as `--map` says it. */
export type ColumnMap = Readonly<Record<string, string>>;

/** @throws BadUserInput when the file is not a JSON object of strings */
export async function readColumnMap(file: string): Promise<ColumnMap> {
  try {
    return z.record(z.string(), z.string().min(1)).parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    const shape = '{"their column": "our column"}';
    throw new BadUserInput(`The column map ${file} must be JSON such as ${shape}: ${messageOf(error)}.`, ["map"], {
      cause: error,
    });
  }
}

/** `g:Image Link`, `imageLink` and `IMAGE-LINK` are all `image_link`. */
export function columnName(name: string): string {
  const plain = name
    .trim()
    .replace(/^g:/i, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[\s_-]+/g, "_");
  return Object.hasOwn(ALIASES, plain) ? (ALIASES[plain] ?? plain) : plain;
}

/** Our name of a feed's column. */
export type ColumnNamer = (theirs: string) => string;

export function columnNamer(map: ColumnMap = {}): ColumnNamer {
  const resolve = columnResolver(map);
  return (theirs) => resolve(theirs).name;
}

interface ResolvedColumn {
  readonly name: string;
  /** Of two columns with the same name, the higher wins: renamed over `g:` over plain. */
  readonly rank: number;
}

function columnResolver(map: ColumnMap): (theirs: string) => ResolvedColumn {
  const exact = new Map(Object.entries(map));
  const loose = new Map(Object.entries(map).map(([theirs, ours]) => [columnName(theirs), ours]));
  const known = new Map<string, ResolvedColumn>();
  return (theirs) => {
    const before = known.get(theirs);
    if (before) return before;
    const mapped = exact.get(theirs) ?? loose.get(columnName(theirs));
    const rank = mapped !== undefined ? 2 : /^g:/i.test(theirs) ? 1 : 0;
    const resolved = { name: columnName(mapped ?? theirs), rank };
    // Bounded: JSON Lines may bring new names in every row.
    if (known.size < 10_000) known.set(theirs, resolved);
    return resolved;
  };
}

/** Gives the columns of rows our names. */
export function columnRenamer(map: ColumnMap = {}): (row: FeedRow) => Map<string, readonly string[]> {
  const resolve = columnResolver(map);
  return (row) => {
    const renamed = new Map<string, readonly string[]>();
    const ranks = new Map<string, number>();
    for (const [theirs, values] of row) {
      const { name, rank } = resolve(theirs);
      const before = ranks.get(name) ?? -1;
      if (name === "additional_image_link") renamed.set(name, [...(renamed.get(name) ?? []), ...values]);
      else if (rank >= before) renamed.set(name, values);
      ranks.set(name, Math.max(rank, before));
    }
    return renamed;
  };
}
