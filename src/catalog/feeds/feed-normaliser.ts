import { photoUrlOfPath } from "../import/local-photo-url.js";
import type { PhotoInput, ProductInput } from "../products/catalog-event.type.js";
import { cleanText, externalIdProblem, productProblem, quote } from "../products/product-rules.js";
import { type ColumnMap, columnRenamer } from "./feed-columns.js";
import type { FeedRow, RowProblem } from "./feed-entry.type.js";
import { RowRefused, readAvailability, readPrice, readSplit, readStatus, readTime } from "./feed-values.js";

export interface NormaliserOptions {
  readonly source: string;
  /** Of prices that name none. */
  readonly defaultCurrency: string;
  readonly map?: ColumnMap;
  /** Whether a photo may be a path below the feed's folder: only in a local import of a file. */
  readonly photoPaths: boolean;
}

/** Columns that have a place of their own; all others become attributes. */
const OWN_COLUMNS = new Set([
  "id",
  "item_group_id",
  "title",
  "description",
  "handle",
  "link",
  "brand",
  "image_link",
  "additional_image_link",
  "product_type",
  "price",
  "sale_price",
  "sale_price_effective_date",
  "currency",
  "status",
  "split",
  "updated_at",
]);

/** Attributes in which Merchant feeds join several values by a slash. */
const JOINED = new Set(["color", "material", "pattern"]);

type Columns = ReadonlyMap<string, readonly string[]>;

/**
 * Turns rows with Merchant attribute names into products.
 * @returns a function that gives the product, or why the row cannot be one
 */
export function createRowNormaliser(options: NormaliserOptions): (row: FeedRow) => ProductInput | RowProblem {
  const rename = columnRenamer(options.map);
  return (row) => {
    const columns = rename(row);
    const externalId = first(columns, "id") ?? "";
    const idProblem = externalIdProblem(externalId);
    if (idProblem) return idProblem as RowProblem;
    try {
      const product = toProduct(externalId, columns, options);
      const problem = productProblem(product);
      return problem ? { code: problem.code, reason: problem.reason, externalId } : product;
    } catch (error) {
      if (error instanceof RowRefused) return { ...error.problem, externalId };
      throw error;
    }
  };
}

function toProduct(externalId: string, columns: Columns, options: NormaliserOptions): ProductInput {
  const price = readPrice(
    {
      ...optional("regular", first(columns, "price")),
      ...optional("sale", first(columns, "sale_price")),
      ...optional("saleDates", first(columns, "sale_price_effective_date")),
    },
    first(columns, "currency") ?? options.defaultCurrency,
  );
  return {
    source: options.source,
    externalId,
    title: first(columns, "title") ?? externalId,
    categoryPath: categoryOf(columns),
    inStock: readAvailability(first(columns, "availability")),
    attributes: attributesOf(columns),
    status: readStatus(first(columns, "status")),
    photos: photosOf(columns, options.photoPaths),
    ...optional("groupKey", first(columns, "item_group_id")),
    ...optional("description", first(columns, "description")),
    ...optional("handle", first(columns, "handle")),
    ...optional("url", first(columns, "link")),
    ...optional("brand", first(columns, "brand")),
    ...optional("price", price),
    ...optional("split", readSplit(first(columns, "split"))),
    ...optional("sourceUpdatedAt", readTime(first(columns, "updated_at"))),
  };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}

function first(columns: Columns, name: string): string | undefined {
  for (const value of columns.get(name) ?? []) {
    const trimmed = value.trim();
    if (trimmed !== "") return trimmed;
  }
  return undefined;
}

/** The shop's own path, else Google's when it is given as a path and not as a number. */
function categoryOf(columns: Columns): string[] {
  const google = first(columns, "google_product_category");
  const named = first(columns, "product_type") ?? (google && !/^\d+$/.test(google) ? google : "");
  return named
    .split(">")
    .map(cleanText)
    .filter((part) => part !== "");
}

function attributesOf(columns: Columns): Record<string, string[]> {
  const attributes: [string, string[]][] = [];
  for (const [name, values] of columns) {
    if (OWN_COLUMNS.has(name) || name === "") continue;
    // Stock says it all, unless a product can be ordered without being there.
    if (name === "availability" && !values.some((value) => /pre|back/i.test(value))) continue;
    attributes.push([name, JOINED.has(name) ? values.flatMap((value) => value.split("/")) : [...values]]);
  }
  return Object.fromEntries(attributes);
}

function photosOf(columns: Columns, photoPaths: boolean): PhotoInput[] {
  const main = columns.get("image_link") ?? [];
  const additional = columns.get("additional_image_link") ?? [];
  return [...main, ...additional]
    .flatMap((value) => splitPhotos(value, main.length === 1 && value === main[0]))
    .map((name) => ({ url: photoUrl(name, photoPaths) }));
}

/** Addresses may hold commas, so a list of them is cut only where the next one begins. */
function splitPhotos(value: string, isMain: boolean): string[] {
  const parts = value.includes("://")
    ? value.split(/\s*[,\s]\s*(?=(?:https?:)?\/\/)/i)
    : isMain
      ? [value]
      : value.split(",");
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function photoUrl(name: string, photoPaths: boolean): string {
  if (/^https?:/i.test(name) || name.startsWith("//")) {
    const address = name.startsWith("//") ? `https:${name}` : name;
    if (URL.canParse(address)) return new URL(address).href;
    throw new RowRefused({ code: "PHOTO_URL_INVALID", reason: `The photo address ${quote(name)} is not valid.` });
  }
  if (/^[a-z][a-z0-9+.-]+:/i.test(name) && !/^file:/i.test(name)) {
    const reason = `The photo address ${quote(name)} must start with http:// or https://.`;
    throw new RowRefused({ code: "PHOTO_URL_INVALID", reason });
  }
  const url = photoPaths ? photoUrlOfPath(name) : undefined;
  if (url !== undefined && !/^file:/i.test(name)) return url;
  const reason = photoPaths
    ? `The photo ${quote(name)} is not below the feed's folder. Paths must be relative and stay inside.`
    : `The photo ${quote(name)} is a path. Only the command line reads photos from disk, beside a feed on disk.`;
  throw new RowRefused({ code: "PHOTO_PATH_REFUSED", reason });
}
