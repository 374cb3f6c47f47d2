import { createHash } from "node:crypto";
import { BadUserInput } from "../../errors.js";
import type { ProductInput } from "./catalog-event.type.js";

export const MAX_ID_LENGTH = 255;
/** Postgres refuses index entries over 2,704 bytes, and addresses stand in a unique index. */
export const MAX_URL_LENGTH = 2_000;
export const MAX_PHOTOS = 50;

/** What a product can be refused for, whoever sends it. */
export interface ProductProblem {
  readonly code: ProductProblemCode;
  readonly reason: string;
  /** Name of the field in ProductInput. */
  readonly field: string;
}

export type ProductProblemCode =
  | "SOURCE_INVALID"
  | "ID_MISSING"
  | "ID_TOO_LONG"
  | "ID_INVALID"
  | "GROUP_TOO_LONG"
  | "TITLE_MISSING"
  | "LINK_INVALID"
  | "PHOTO_URL_INVALID"
  | "PHOTO_URL_TOO_LONG"
  | "TOO_MANY_PHOTOS";

// Text from shops ends in web pages: NUL cannot be stored, and the bidirectional overrides (not the plain marks that
// Hebrew and Arabic need) can make a title read as something else.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNWANTED = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Text without control characters, direction overrides and broken surrogates, trimmed. */
export function cleanText(text: string): string {
  return text.replace(UNWANTED, "").replace(LONE_SURROGATE, "\ufffd").trim();
}

function cleanOptional(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return cleanText(text) || undefined;
}

/**
 * The one form of a product that is digested and stored: clean text, sorted attributes without empty values, each
 * photo once.
 */
export function canonicalProduct(input: ProductInput): ProductInput {
  const attributes: [string, string[]][] = [];
  for (const name of Object.keys(input.attributes).sort()) {
    const values = [...new Set((input.attributes[name] ?? []).map(cleanText).filter((value) => value !== ""))];
    const key = cleanText(name);
    if (key !== "" && values.length > 0) attributes.push([key, values]);
  }
  const optional = {
    groupKey: cleanOptional(input.groupKey),
    description: cleanOptional(input.description),
    handle: cleanOptional(input.handle),
    url: cleanOptional(input.url),
    brand: cleanOptional(input.brand),
    price: input.price,
    split: input.split,
    sourceUpdatedAt: input.sourceUpdatedAt,
  };
  return {
    source: input.source,
    externalId: input.externalId,
    title: cleanText(input.title),
    categoryPath: input.categoryPath.map(cleanText).filter((part) => part !== ""),
    inStock: input.inStock,
    // Not by assignment: a column called __proto__ is an attribute like any other.
    attributes: Object.fromEntries(attributes),
    status: input.status,
    photos: [...new Set(input.photos.map(({ url }) => url))].map((url) => ({ url })),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/**
 * SHA-256 over the canonical product, its photo addresses in order included, its timestamp not.
 * @param photoVersions what tells that a local file behind an address has changed
 */
export function productDigest(product: ProductInput, photoVersions?: (url: string) => string | undefined): string {
  const { groupKey, title, description, handle, url, brand, categoryPath, price, inStock } = product;
  const photos = product.photos.map((photo) => [photo.url, photoVersions?.(photo.url) ?? null]);
  const content = [
    [groupKey ?? null, title, description ?? null, handle ?? null, url ?? null, brand ?? null],
    categoryPath,
    price === undefined ? null : [price.minor.toString(), price.currency],
    inStock,
    Object.entries(product.attributes),
    product.status,
    product.split ?? null,
    photos,
  ];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Why an id of a source cannot be used, if it cannot. */
export function externalIdProblem(externalId: string): ProductProblem | undefined {
  const problem = (code: ProductProblemCode, reason: string) => ({ code, reason, field: "externalId" });
  if (externalId.trim() === "") return problem("ID_MISSING", "The product has no id.");
  if (externalId.length > MAX_ID_LENGTH) {
    return problem("ID_TOO_LONG", `The id has ${externalId.length} characters; at most ${MAX_ID_LENGTH} are allowed.`);
  }
  if (CONTROL.test(externalId) || externalId !== externalId.replace(LONE_SURROGATE, "")) {
    return problem("ID_INVALID", "The id holds control characters.");
  }
  return undefined;
}

/**
 * Why a product cannot be stored, if it cannot: what every reader, connector and mutation must refuse.
 * Photo addresses may be http(s), or file: for a local import.
 */
export function productProblem(product: ProductInput): ProductProblem | undefined {
  if (product.source === "" || product.source.length > MAX_ID_LENGTH || CONTROL.test(product.source)) {
    return { code: "SOURCE_INVALID", reason: "The name of the source is empty or too long.", field: "source" };
  }
  const idProblem = externalIdProblem(product.externalId);
  if (idProblem) return idProblem;
  if (cleanText(product.title) === "") {
    return { code: "TITLE_MISSING", reason: "The product has no title.", field: "title" };
  }
  if ((product.groupKey?.length ?? 0) > MAX_ID_LENGTH) {
    return { code: "GROUP_TOO_LONG", reason: `A group key may have ${MAX_ID_LENGTH} characters.`, field: "groupKey" };
  }
  if (product.url !== undefined && !/^https?:\/\//i.test(product.url)) {
    return { code: "LINK_INVALID", reason: "The product's link must start with http:// or https://.", field: "url" };
  }
  if (product.photos.length > MAX_PHOTOS) {
    const reason = `The product has ${product.photos.length} photos; at most ${MAX_PHOTOS} are taken.`;
    return { code: "TOO_MANY_PHOTOS", reason, field: "photos" };
  }
  for (const { url } of product.photos) {
    if (!/^(https?:\/\/|file:\/\/\/)/i.test(url) || !URL.canParse(url)) {
      const reason = `The photo address ${quote(url)} must start with http:// or https://.`;
      return { code: "PHOTO_URL_INVALID", reason, field: "photos" };
    }
    if (url.length > MAX_URL_LENGTH) {
      const reason = `A photo address has ${url.length} characters; at most ${MAX_URL_LENGTH} are allowed.`;
      return { code: "PHOTO_URL_TOO_LONG", reason, field: "photos" };
    }
  }
  return undefined;
}

/** A foreign value for a message: clean and short. */
export function quote(value: string): string {
  const clean = cleanText(value);
  return `"${clean.length > 80 ? `${clean.slice(0, 79)}…` : clean}"`;
}

/** @throws BadUserInput when the product cannot be stored */
export function assertProduct(product: ProductInput): void {
  const problem = productProblem(product);
  if (problem) {
    const which = `Product ${quote(product.externalId)} of ${quote(product.source)}`;
    throw new BadUserInput(`${which}: ${problem.reason}`, [problem.field]);
  }
}
