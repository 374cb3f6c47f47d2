/** Largest id that a Postgres bigint holds. */
const LARGEST = 2n ** 63n - 1n;

/** A product's id as callers see it. */
export function formatProductId(id: bigint): string {
  return `prod_${id}`;
}

/** A photo's id as callers see it. */
export function formatImageId(id: bigint): string {
  return `img_${id}`;
}

/** The database id behind `prod_42`; undefined for anything else. */
export function parseProductId(text: string): bigint | undefined {
  return parseId(text, /^prod_(\d{1,19})$/);
}

/** The database id behind `img_7`; undefined for anything else. */
export function parseImageId(text: string): bigint | undefined {
  return parseId(text, /^img_(\d{1,19})$/);
}

function parseId(text: string, pattern: RegExp): bigint | undefined {
  const digits = pattern.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const id = BigInt(digits);
  return id <= LARGEST ? id : undefined;
}
