import type { CatalogEvent, CatalogOutcome, ProductInput } from "./catalog-event.type.js";
import { canonicalProduct, productDigest } from "./product-rules.js";
import type { ResolvedPhotos } from "./resolved-photo.type.js";

/** What the catalog knows of a product when an event for it arrives. */
export interface KnownProduct {
  /** Absent only while previewing, for a product that an earlier event would have created. */
  readonly id?: bigint;
  /** Empty for a tombstone of a product that was never seen alive. */
  readonly digest: string;
  /** Milliseconds since 1970. */
  readonly sourceUpdatedAt: number | null;
  readonly deleted: boolean;
}

/** What an event asks to be written. */
export type CatalogWrite =
  | { readonly kind: "nothing" }
  | { readonly kind: "insert"; readonly product: ProductInput; readonly digest: string }
  | { readonly kind: "update"; readonly product: ProductInput; readonly digest: string; readonly revived: boolean }
  /** Only the timestamp of the source moves on. */
  | { readonly kind: "touch"; readonly at: Date }
  | { readonly kind: "delete"; readonly at: Date | undefined }
  /** A tombstone for a product never seen, so that an older update that comes later cannot create it. */
  | { readonly kind: "bury"; readonly at: Date };

export interface Decision {
  readonly outcome: CatalogOutcome;
  readonly write: CatalogWrite;
  /** What the catalog knows afterwards; undefined when there still is no row. */
  readonly after: KnownProduct | undefined;
}

/**
 * Newest `sourceUpdatedAt` wins; at equal times the later arrival; an event without a time counts as newest. A delete
 * leaves a tombstone that an older update cannot revive and a newer one does. See docs/decisions/020.
 */
export function decide(event: CatalogEvent, known: KnownProduct | undefined, photos?: ResolvedPhotos): Decision {
  return event.type === "delete"
    ? decideDelete(event.sourceUpdatedAt, known)
    : decideUpsert(event.product, known, photos);
}

function decideUpsert(input: ProductInput, known: KnownProduct | undefined, photos?: ResolvedPhotos): Decision {
  const time = input.sourceUpdatedAt?.getTime();
  if (known && isOlder(time, known)) return { outcome: "stale", write: { kind: "nothing" }, after: known };
  const product = canonicalProduct(input);
  const digest = productDigest(product, (url) => photos?.get(url)?.etag);
  if (!known) {
    const after = { digest, sourceUpdatedAt: time ?? null, deleted: false };
    return { outcome: "created", write: { kind: "insert", product, digest }, after };
  }
  const sourceUpdatedAt = time ?? known.sourceUpdatedAt;
  if (!known.deleted && known.digest === digest) {
    const moved = input.sourceUpdatedAt !== undefined && sourceUpdatedAt !== known.sourceUpdatedAt;
    const write: CatalogWrite = moved ? { kind: "touch", at: input.sourceUpdatedAt } : { kind: "nothing" };
    return { outcome: "unchanged", write, after: { ...known, sourceUpdatedAt } };
  }
  return {
    outcome: known.digest === "" ? "created" : "updated",
    write: { kind: "update", product, digest, revived: known.deleted },
    after: { ...known, digest, sourceUpdatedAt, deleted: false },
  };
}

function decideDelete(at: Date | undefined, known: KnownProduct | undefined): Decision {
  const time = at?.getTime();
  if (!known) {
    if (at === undefined) return { outcome: "absent", write: { kind: "nothing" }, after: undefined };
    const after = { digest: "", sourceUpdatedAt: at.getTime(), deleted: true };
    return { outcome: "absent", write: { kind: "bury", at }, after };
  }
  if (isOlder(time, known)) return { outcome: "stale", write: { kind: "nothing" }, after: known };
  const after = { ...known, deleted: true, sourceUpdatedAt: time ?? Math.max(Date.now(), known.sourceUpdatedAt ?? 0) };
  if (!known.deleted) return { outcome: "deleted", write: { kind: "delete", at }, after };
  const moved = at !== undefined && time !== known.sourceUpdatedAt;
  return {
    outcome: "absent",
    write: moved ? { kind: "touch", at } : { kind: "nothing" },
    after: moved ? after : known,
  };
}

function isOlder(time: number | undefined, known: KnownProduct): boolean {
  return time !== undefined && known.sourceUpdatedAt !== null && time < known.sourceUpdatedAt;
}
