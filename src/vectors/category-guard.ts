import { hidden, type Parameters } from "./parameters.js";

/** A category, outermost level first. */
export type CategoryPath = readonly string[];

/** One step of a search that goes outwards: within some categories, and in none that the steps before have searched. */
export interface Ring {
  readonly within: readonly CategoryPath[];
  readonly beyond: readonly CategoryPath[];
}

/** Steps from these categories to their outermost levels; one where there is no category. */
export function levelsOf(categories: readonly CategoryPath[]): number {
  return Math.max(1, ...categories.map((path) => path.length));
}

/** The categories of a step outwards; a path that has come to its outermost level stays there. */
export function ringAt(categories: readonly CategoryPath[], level: number): Ring {
  const at = (step: number): CategoryPath[] => {
    const paths = categories.map((path) => path.slice(0, Math.max(1, path.length - step)));
    return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
  };
  return { within: at(level), beyond: level === 0 ? [] : at(level - 1) };
}

/** Smallest array after every path that starts with `path`, in collation C: U+0001 is the least that can follow. */
export function afterPath(path: CategoryPath): string[] {
  return [...path.slice(0, -1), `${path.at(-1)}\u0001`];
}

/** "In one of these categories", for any column of paths. */
export function bindPaths(paths: readonly CategoryPath[], parameters: Parameters): (column: string) => string {
  const ranges = paths.map(
    (path) => [hidden(path, "text[]", parameters), hidden(afterPath(path), "text[]", parameters)] as const,
  );
  return (column) => `(${ranges.map(([from, until]) => pathCondition(column, from, until)).join(" OR ")})`;
}

/** "Starts with this path", as a range that the btree on `category_path COLLATE "C"` answers. */
export function pathCondition(column: string, from: string, until: string): string {
  return `(${column} COLLATE "C" >= ${from} AND ${column} COLLATE "C" < ${until})`;
}
