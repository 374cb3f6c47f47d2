import path from "node:path";

/**
 * The address under which the catalog keeps a photo on disk: `file:///` and its path below the feed's folder. Not
 * where the folder lies, so that it can be moved, and is nobody's business.
 */
export function photoUrlOf(parts: readonly string[]): string {
  return `file:///${parts.map(encodeURIComponent).join("/")}`;
}

/** The path below the feed's folder behind such an address; undefined when it would leave the folder. */
export function photoPathOf(url: string): string | undefined {
  try {
    const parts = new URL(url).pathname.slice(1).split("/").map(decodeURIComponent);
    return isInside(parts) ? path.join(...parts) : undefined;
  } catch {
    return undefined;
  }
}

/** The address of a path that a feed names; undefined when it is absolute or leaves the folder. */
export function photoUrlOfPath(name: string): string | undefined {
  if (path.posix.isAbsolute(name) || path.win32.isAbsolute(name)) return undefined;
  const parts = name.split(/[\\/]/).filter((part) => part !== "." && part !== "");
  return isInside(parts) && !/\p{Surrogate}/u.test(name) ? photoUrlOf(parts) : undefined;
}

function isInside(parts: readonly string[]): boolean {
  return parts.length > 0 && parts.every((part) => part !== ".." && part !== "" && !/[\\/\0]/.test(part));
}

/** Whether a path without symlinks lies below a folder without symlinks. */
export function isBelow(place: string, folder: string): boolean {
  return place.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}
