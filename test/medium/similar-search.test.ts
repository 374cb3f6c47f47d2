import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createModelVersions } from "../../src/models/index.js";
import { createSimilarItems, type SimilarItem, type SimilarItemsOptions } from "../../src/similar/index.js";
import { createVectors, type NeighbourFilter, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, drawCatalog, loadCatalog, type Random, type RandomProduct } from "../support/random-catalog.js";
import { type Expected, expectedItems } from "../support/similar-oracle.js";

const DIMS = 8;
/** Half precision and the order of sums; the vectors of the catalog lie much farther apart. */
const TOLERANCE = 2e-3;

describeOnBothDatabases("similar items of a random catalog", (open, kind) => {
  let test: TestDatabase;
  let vectors: Vectors;
  let catalog: RandomProduct[];
  let modelId: number;

  before(async () => {
    test = await open();
    vectors = createVectors({ database: test.database, logger: testLogger, hnswFromProducts: 1 });
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: DIMS })).id;
    catalog = drawCatalog(7, 400, DIMS);
    await loadCatalog(test.database, vectors, modelId, catalog);
  });
  after(() => test.drop());

  const similar = () => {
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    return createSimilarItems({ vectors, models });
  };

  async function all(
    product: RandomProduct,
    first: number,
    filter: NeighbourFilter,
    options: SimilarItemsOptions,
  ): Promise<SimilarItem[]> {
    const items: SimilarItem[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await similar().toProduct(`prod_${product.id}`, {
        first,
        filter,
        options,
        ...(cursor === undefined ? {} : { after: cursor }),
      });
      assert.ok(page.items.length <= first);
      items.push(...page.items);
      if (!page.hasNextPage) return items;
      assert.equal(page.items.length, first, "a page that has another after it is full");
      cursor = page.items.at(-1)!.cursor;
    }
  }

  async function compareWithBruteForce(seeds: number): Promise<void> {
    const random = createRandom(seeds);
    let compared = 0;
    for (let round = 0; round < seeds; round++) {
      const seed = random.pick(catalog.filter(({ deleted }) => !deleted));
      const filter = drawFilter(random, catalog);
      const options = drawOptions(random);
      const expected = expectedItems(catalog, seed, filter, options);
      const items = await all(seed, random.pick([1, 7, 30, 100]), filter, { ...options, fallback: "NONE" });
      assertSame(items, expected, options, `round ${round}: ${JSON.stringify({ seed: String(seed.id), options })}`);
      compared += items.length;
    }
    assert.ok(compared > seeds, `only ${compared} items compared`);
  }

  it("equals brute force for any filter and option, over all pages", () => compareWithBruteForce(60));

  it("gives the same list for any size of page, fallback included", async () => {
    const random = createRandom(99);
    for (let round = 0; round < 12; round++) {
      const seed = random.pick(catalog.filter(({ deleted }) => !deleted));
      const filter = round % 2 === 0 ? {} : drawFilter(random, catalog);
      const options = drawOptions(random);
      const whole = await all(seed, 100, filter, options);
      const ids = whole.map(({ productId }) => productId);
      assert.equal(new Set(ids).size, ids.length, "nothing comes twice");
      for (const first of [3, 11]) {
        const paged = await all(seed, first, filter, options);
        assert.deepEqual(
          paged.map(({ productId, distance }) => [productId, distance]),
          whole.map(({ productId, distance }) => [productId, distance]),
        );
      }
    }
  });

  if (kind === "postgres") {
    it("equals brute force with the HNSW index too", async () => {
      assert.equal(await vectors.ensureIndex(modelId), "hnsw");
      await compareWithBruteForce(40);
    });

    it("pages through products that all show the same photo", async () => {
      const vector = createRandom(5).vector(DIMS);
      const alike = Array.from({ length: 200 }, (_, at): RandomProduct => {
        const id = BigInt(2000 + at);
        return {
          ...catalog[0]!,
          id,
          externalId: `alike-${at}`,
          group: `alike-${at}`,
          status: "ACTIVE",
          deleted: false,
          category: ["alike"],
          photos: [{ id, blobId: 2000n, vector }],
        };
      });
      await loadCatalog(test.database, vectors, modelId, alike);
      const filter = { statuses: ["ACTIVE", "DRAFT", "ARCHIVED"] } as const;
      const options = { sameCategory: false, fallback: "NONE" } as const;
      const items = await all(alike[0]!, 30, filter, options);
      const found = items.map(({ productId }) => productId).filter((id) => id >= 2000n);
      assert.deepEqual(
        found,
        alike.slice(1).map(({ id }) => id),
      );
      assertSame(items, expectedItems([...catalog, ...alike], alike[0]!, filter, options), options, "alike");
    });
  }
});

function assertSame(
  items: readonly SimilarItem[],
  expected: readonly Expected[],
  options: SimilarItemsOptions,
  context: string,
): void {
  const byId = new Map(expected.map((item) => [item.productId, item]));
  const limit = 2 * (1 - (options.minScore ?? 0));
  for (const item of items) {
    const wanted = byId.get(item.productId);
    assert.ok(wanted, `${item.productId} does not belong; ${context}`);
    assert.ok(
      Math.abs(wanted.shown - item.distance) < TOLERANCE,
      `${item.distance} is not ${wanted.shown}; ${context}`,
    );
    assert.ok(Math.abs(item.score - (1 - item.distance / 2)) < 1e-12);
    assert.equal(item.reason, "VISUAL");
  }
  const found = new Set(items.map(({ productId }) => productId));
  assert.equal(found.size, items.length, `repeated; ${context}`);
  for (const { productId, shown, own } of expected) {
    const onTheEdge = Math.abs(shown - limit) < TOLERANCE || Math.abs(own - limit - 0.2) < TOLERANCE;
    assert.ok(found.has(productId) || onTheEdge, `${productId} is missing; ${context}`);
  }
  if (options.match === "PRODUCT") {
    for (let at = 1; at < items.length; at++) {
      const [above, item] = [items[at - 1]!, items[at]!];
      const steps = byId.get(item.productId)!.level - byId.get(above.productId)!.level;
      assert.ok(steps > 0 || (steps === 0 && item.distance >= above.distance), context);
    }
  }
}

function drawFilter(random: Random, catalog: readonly RandomProduct[]): NeighbourFilter {
  const some = random.pick(catalog);
  return {
    ...(random.chance(0.3)
      ? { categories: [some.category.slice(0, 1), ["bags"]].filter((path) => path.length > 0) }
      : {}),
    ...(random.chance(0.3) ? { brands: ["Acme", some.brand ?? "Birch"] } : {}),
    ...(random.chance(0.3)
      ? {
          price: {
            currency: "EUR",
            minMinor: BigInt(random.below(5000)),
            ...(random.chance(0.5) ? { maxMinor: 7000n } : {}),
          },
        }
      : {}),
    ...(random.chance(0.2) ? { relativePrice: { min: 0.5, ...(random.chance(0.8) ? { max: 1.7 } : {}) } } : {}),
    ...(random.chance(0.2) ? { channel: random.pick(["web", "store"]) } : {}),
    ...(random.chance(0.3) ? { inStock: random.chance(0.8) } : {}),
    ...(random.chance(0.3) ? { attributes: [{ name: "color", values: ["red", "white"] }] } : {}),
    ...(random.chance(0.2) ? { statuses: ["ACTIVE", "DRAFT"] } : {}),
    ...(random.chance(0.2) ? { excludeProductIds: catalog.slice(0, 40).map(({ id }) => id) } : {}),
    ...(random.chance(0.2) ? { excludeGroups: ["g1", "g2", "g3"] } : {}),
  };
}

function drawOptions(random: Random): SimilarItemsOptions {
  return {
    ...(random.chance(0.5) ? { sameCategory: false } : {}),
    ...(random.chance(0.3) ? { widenCategory: false } : {}),
    ...(random.chance(0.3) ? { excludeSameGroup: false } : {}),
    ...(random.chance(0.4) ? { match: "PRODUCT" } : {}),
    ...(random.chance(0.3) ? { minScore: random.pick([0.4, 0.6, 0.8]) } : {}),
  };
}
