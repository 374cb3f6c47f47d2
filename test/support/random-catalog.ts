import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Database } from "../../src/database/database.type.js";
import type { Vectors } from "../../src/vectors/vectors.type.js";

export interface RandomProduct {
  readonly id: bigint;
  readonly source: string;
  readonly externalId: string;
  readonly group?: string;
  readonly brand?: string;
  readonly category: readonly string[];
  readonly priceMinor?: bigint;
  readonly currency?: string;
  readonly inStock: boolean;
  readonly attributes: Record<string, string[]>;
  readonly status: "ACTIVE" | "DRAFT" | "ARCHIVED";
  readonly deleted: boolean;
  readonly split: "TRAIN" | "TEST";
  /** In the order shown; those without a vector are not embedded yet. */
  readonly photos: readonly { readonly id: bigint; readonly blobId: bigint; readonly vector?: Float32Array }[];
}

export interface Random {
  below(limit: number): number;
  chance(share: number): boolean;
  pick<T>(of: readonly T[]): T;
  /** Unit length. */
  vector(dims: number): Float32Array;
}

export function createRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  const below = (limit: number): number => uniformInt(generator, 0, limit - 1);
  return {
    below,
    chance: (share) => below(1_000_000) < share * 1_000_000,
    pick: (of) => of[below(of.length)]!,
    vector(dims) {
      const raw = Float32Array.from({ length: dims }, () => {
        let sum = 0;
        for (let term = 0; term < 12; term++) sum += below(1_000_000) / 1_000_000;
        return sum - 6;
      });
      return unit(raw);
    },
  };
}

export function unit(vector: ArrayLike<number>): Float32Array {
  const length = Math.hypot(...Array.from(vector));
  return Float32Array.from(vector, (value) => value / length);
}

const CATEGORIES = [["shoes", "boots"], ["shoes", "boots", "chelsea"], ["shoes"], ["shoes!"], ["bags"], ["ütiken"], []];

/** A seeded catalog with everything that a filter, a group or a photo can be. */
export function drawCatalog(seed: number, products: number, dims: number): RandomProduct[] {
  const random = createRandom(seed);
  let blobs = 0n;
  let photoId = 0n;
  const earlier: { blobId: bigint; vector?: Float32Array }[] = [];
  return Array.from({ length: products }, (_, at): RandomProduct => {
    const photos = Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, () => {
      // One photo in ten is the content of another product's.
      const shared = earlier.length > 0 && random.chance(0.1) ? random.pick(earlier) : undefined;
      if (shared === undefined) blobs += 1n;
      const photo = shared ?? { blobId: blobs, ...(random.chance(0.95) ? { vector: random.vector(dims) } : {}) };
      if (shared === undefined) earlier.push(photo);
      photoId += 1n;
      return { id: photoId, ...photo };
    });
    return {
      id: BigInt(at + 1),
      source: random.pick(["north", "south"]),
      externalId: `item-${at % Math.ceil(products * 0.9)}`,
      ...(random.chance(0.7) ? { group: `g${random.below(Math.ceil(products / 6))}` } : {}),
      ...(random.chance(0.9) ? { brand: random.pick(["Acme", "Birch", "Cedar", "Dune"]) } : {}),
      category: random.pick(CATEGORIES),
      ...(random.chance(0.9)
        ? { priceMinor: BigInt(random.below(10_000)), currency: random.pick(["EUR", "EUR", "USD"]) }
        : {}),
      inStock: random.chance(0.8),
      attributes: {
        color: random.chance(0.8) ? [random.pick(["red", "blue"]), random.pick(["green", "white"])] : [],
        ...(random.chance(0.5) ? { size: [random.pick(["S", "M", "L"])] } : {}),
        ...(random.chance(0.4) ? { channel: [random.pick(["web", "store"]), "outlet"].slice(random.below(2)) } : {}),
      },
      status: random.pick(["ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "DRAFT", "ARCHIVED"]),
      deleted: random.chance(0.03),
      split: random.pick(["TRAIN", "TRAIN", "TEST"]),
      photos,
    };
  }).filter(
    // (source, external id) is unique.
    (product, at, all) =>
      all.findIndex((other) => other.source === product.source && other.externalId === product.externalId) === at,
  );
}

/** Writes a catalog and the vectors of one model; the product vectors come from `vectors.refresh`. */
export async function loadCatalog(
  database: Database,
  vectors: Vectors,
  modelId: number,
  products: readonly RandomProduct[],
): Promise<void> {
  const photos = products.flatMap(({ id, photos }) =>
    photos.map((photo, position) => ({ ...photo, position, id: photo.id, product: id })),
  );
  const blobs = new Map(photos.map((photo) => [photo.blobId, photo.vector]));
  await database.transaction(async (sql) => {
    await sql.query(
      `INSERT INTO product (id, source, external_id, group_key, title, brand, category_path, price_minor, currency,
         in_stock, attributes, status, split, digest, deleted_at)
       SELECT (r->>'id')::bigint, r->>'source', r->>'externalId', r->>'group', 'A product', r->>'brand',
         ARRAY(SELECT jsonb_array_elements_text(r->'category')), (r->>'priceMinor')::bigint, r->>'currency',
         (r->>'inStock')::boolean, r->'attributes', (r->>'status')::product_status, (r->>'split')::split, '',
         CASE WHEN (r->>'deleted')::boolean THEN now() END
       FROM jsonb_array_elements($1::jsonb) r`,
      [
        JSON.stringify(
          products.map(({ photos: _, ...row }) => row),
          (_, value) => (typeof value === "bigint" ? String(value) : value),
        ),
      ],
    );
    await sql.query(
      `INSERT INTO image_blob (id, content_hash, mime, width, height, bytes)
       SELECT id, 'hash-' || id, 'image/png', 1, 1, 1 FROM unnest($1::bigint[]) id`,
      [[...blobs.keys()]],
    );
    await sql.query(
      `INSERT INTO product_image (id, product_id, url, position, state, blob_id)
       SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[]) AS i (id, product_id, url, position),
         LATERAL (SELECT 'READY'::photo_state, ($5::bigint[])[array_position($1::bigint[], i.id)]) rest`,
      [
        photos.map(({ id }) => id),
        photos.map(({ product }) => product),
        photos.map(({ id }) => `https://shop.test/${id}.png`),
        photos.map(({ position }) => position),
        photos.map(({ blobId }) => blobId),
      ],
    );
    await vectors.writePhotos(
      sql,
      modelId,
      [...blobs].flatMap(([blobId, vector]) => (vector === undefined ? [] : [{ blobId, vector }])),
    );
    await vectors.refresh(
      sql,
      products.map(({ id }) => id),
    );
    await sql.query(
      "SELECT setval('product_id_seq', 1000000), setval('product_image_id_seq', 1000000), setval('image_blob_id_seq', 1000000)",
    );
  });
}
