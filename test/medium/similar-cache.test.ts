import assert from "node:assert/strict";
import { after, before, beforeEach, it } from "node:test";
import { createModelVersions } from "../../src/models/index.js";
import { type CachedSimilarItems, createCachedSimilarItems } from "../../src/similar/cache/index.js";
import { createSimilarItems, type SimilarItems } from "../../src/similar/index.js";
import { createRevisions, type Revisions } from "../../src/similar/revisions.js";
import {
  createRuleBooks,
  createRuledSimilarItems,
  createSimilarRules,
  type SimilarRules,
} from "../../src/similar/rules/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, drawCatalog, loadCatalog, type RandomProduct } from "../support/random-catalog.js";

const DIMS = 8;

describeOnBothDatabases("the cache of answers", (open) => {
  let test: TestDatabase;
  let vectors: Vectors;
  let catalog: RandomProduct[];
  let modelId: number;
  let seeds: RandomProduct[];
  let revisions: Revisions;
  let rules: SimilarRules;
  let cached: CachedSimilarItems;
  /** Searches that got past the cache. */
  let searches: number;
  let now = new Date("2026-12-01T12:00:00Z");
  const clock = () => now;

  const openProcess = (maxBytes = 2 ** 24) => {
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    const plain = createSimilarItems({ vectors, models });
    const revisions = createRevisions({ sql: test.database });
    const books = createRuleBooks({ sql: test.database, revisions, clock });
    const ruled = createRuledSimilarItems({ similar: plain, books, sql: test.database, clock });
    const counted = <Given extends unknown[], Result>(work: (...given: Given) => Promise<Result>) => {
      return (...given: Given): Promise<Result> => {
        searches++;
        return work(...given);
      };
    };
    const similar: SimilarItems = {
      toProduct: counted(ruled.toProduct),
      toProducts: counted(ruled.toProducts),
      toSeveral: counted(ruled.toSeveral),
      toPicture: counted(ruled.toPicture),
    };
    return {
      revisions,
      rules: createSimilarRules({ database: test.database, revisions, clock }),
      cached: createCachedSimilarItems({ similar, revisions, books, maxBytes, clock }),
    };
  };

  before(async () => {
    test = await open();
    vectors = createVectors({ database: test.database, logger: testLogger });
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: DIMS })).id;
    catalog = drawCatalog(3, 80, DIMS);
    await loadCatalog(test.database, vectors, modelId, catalog);
    seeds = catalog.filter(
      ({ deleted, status, photos }) => !deleted && status === "ACTIVE" && photos.some(({ vector }) => vector),
    );
  });
  beforeEach(() => {
    searches = 0;
    ({ revisions, rules, cached } = openProcess());
  });
  after(() => test.drop());

  const ref = ({ id }: RandomProduct): string => `prod_${id}`;
  const shopper = { first: 20, publishedOnly: true, options: { sameCategory: false } } as const;
  const ask = async (request: object = {}) =>
    (await cached.toProduct(ref(seeds[0]!), { ...shopper, ...request })).items.map(({ productId }) => productId);
  /** A write that this process made itself. */
  const write = async (text: string, ids: readonly bigint[]) => {
    await test.database.transaction(async (sql) => {
      await sql.query(text, [ids]);
      await vectors.refresh(sql, ids);
    });
    revisions.expire();
  };

  it("answers equal questions with one search, and others with another", async () => {
    const first = await cached.toProduct(ref(seeds[0]!), shopper);
    assert.equal(await cached.toProduct(ref(seeds[0]!), shopper), first);
    assert.equal(searches, 1);
    await cached.toProduct(ref(seeds[1]!), shopper);
    await ask({ first: 3 });
    await ask({ filter: { inStock: true } });
    await ask({ after: first.items[4]!.cursor });
    await ask({ options: { sameCategory: false, fallback: "NONE" } });
    assert.equal(searches, 6);
    await ask({ after: first.items[4]!.cursor });
    assert.equal(searches, 6);
    const { hits, misses, entries } = cached.counters();
    assert.deepEqual({ hits, misses, entries }, { hits: 2, misses: 6, entries: 6 });
  });

  it("makes one search of equal questions at once", async () => {
    const pages = await Promise.all(Array.from({ length: 20 }, () => cached.toProduct(ref(seeds[0]!), shopper)));
    assert.equal(new Set(pages).size, 1);
    assert.equal(searches, 1);
    assert.equal(cached.counters().shared, 19);
  });

  it("asks for what it lacks of a list, in one search", async () => {
    const ids = seeds.slice(0, 10).map(({ id }) => id);
    await cached.toProducts(ids.slice(0, 4), shopper);
    const [pages, others] = await Promise.all([
      cached.toProducts([...ids, 999_999n], shopper),
      cached.toProducts(ids.slice(5), shopper),
    ]);
    assert.equal(searches, 2);
    assert.deepEqual([...pages.keys()], ids);
    assert.equal(others.get(ids[7]!), pages.get(ids[7]!));
    const single = await cached.toProduct(`prod_${ids[7]}`, shopper);
    assert.deepEqual(pages.get(ids[7]!), single);
    assert.equal((await cached.toSeveral({ like: ["prod_1"] }, shopper).catch(() => undefined))?.status, "READY");
  });

  it("does not outlive a write of its process: price, deletion, photo, rule", async () => {
    const [nearest] = await ask();
    const price = { filter: { price: { currency: "EUR", minMinor: 500_000n } } };
    assert.ok(!(await ask(price)).includes(nearest!));
    await write("UPDATE product SET price_minor = 600000, currency = 'EUR' WHERE id = ANY($1::bigint[])", [nearest!]);
    assert.ok((await ask(price)).includes(nearest!));

    await write("UPDATE product SET deleted_at = now() WHERE id = ANY($1::bigint[])", [nearest!]);
    assert.ok(!(await ask()).includes(nearest!));
    await write("UPDATE product SET deleted_at = NULL WHERE id = ANY($1::bigint[])", [nearest!]);
    assert.equal((await ask())[0], nearest);

    await rules.hide({ productId: `prod_${nearest}` });
    assert.ok(!(await ask()).includes(nearest!));
    await test.database.query("DELETE FROM similar_rule");
    revisions.expire();
    assert.equal((await ask())[0], nearest);

    await test.database.transaction(async (sql) => {
      await sql.query("UPDATE product_image SET state = 'FAILED' WHERE product_id = $1", [nearest]);
      await vectors.refresh(sql, [nearest!]);
    });
    revisions.expire();
    assert.notEqual((await ask())[0], nearest);
    await write("UPDATE product_image SET state = 'READY' WHERE product_id = ANY($1::bigint[])", [nearest!]);
    assert.equal((await ask())[0], nearest);
  });

  it("does not outlive a write of another process by more than a second", async () => {
    const other = openProcess();
    const [nearest] = await ask();
    await other.rules.hide({ productId: `prod_${nearest}` });
    const deadline = Date.now() + 1_000;
    while (Date.now() < deadline) await ask();
    assert.ok(!(await ask()).includes(nearest!));
    await test.database.query("DELETE FROM similar_rule");
  });

  it("follows the dates of rules", async () => {
    const [nearest] = await ask();
    const to = new Date(now.getTime() + 1_000);
    await rules.hide({ productId: `prod_${nearest}`, to });
    assert.ok(!(await ask()).includes(nearest!));
    const before = now;
    now = to;
    assert.ok((await ask()).includes(nearest!));
    now = before;
    await test.database.query("DELETE FROM similar_rule");
  });

  it("keeps its answers while nothing that they rest on is written", async () => {
    await ask();
    await test.database.query("UPDATE product SET title = title WHERE id = -1");
    await test.database.query("UPDATE product_image SET attempts = attempts");
    revisions.expire();
    await ask();
    assert.equal(searches, 1);
  });

  it("turns to a promoted model at once", async () => {
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    const page = await cached.toProduct(ref(seeds[0]!), shopper);
    const [made] = await test.database.transaction(async (sql) => {
      const rows = await sql.query<{ id: number }>(
        `INSERT INTO model_version (name, encoder, encoder_digest, dims, state)
         VALUES ('next', 'test', 'b', ${DIMS}, 'CANDIDATE') RETURNING id`,
      );
      await vectors.createPartitions(sql, rows[0]!.id, DIMS);
      return rows;
    });
    const next = made!.id;
    const random = createRandom(9);
    const blobs = new Set(catalog.flatMap(({ photos }) => photos.map(({ blobId }) => blobId)));
    await test.database.transaction(async (sql) => {
      const rows = [...blobs].map((blobId) => ({ blobId, vector: random.vector(DIMS) }));
      await vectors.writePhotos(sql, next, rows);
      await vectors.refreshShowing(sql, next, [...blobs]);
    });
    revisions.expire();
    assert.equal(await cached.toProduct(ref(seeds[0]!), shopper), page, "a candidate's vectors are nobody's answer");
    const swap = async (from: number, to: number) => {
      await test.database.transaction(async (sql) => {
        await sql.query("UPDATE model_version SET state = 'CANDIDATE' WHERE id = $1", [from]);
        await sql.query("UPDATE model_version SET state = 'ACTIVE' WHERE id = $1", [to]);
      });
      revisions.expire();
    };
    await swap(modelId, next);
    assert.equal((await models.active()).id, next);
    assert.equal((await cached.toProduct(ref(seeds[0]!), shopper)).modelId, next);
    await swap(next, modelId);
    assert.equal((await cached.toProduct(ref(seeds[0]!), shopper)).modelId, modelId);
  });

  it("remembers nothing for administrators, pictures, errors, or what is not ready", async () => {
    const { publishedOnly: _, ...admin } = shopper;
    const picture = { modelId, vector: createRandom(1).vector(DIMS) };
    const pending = catalog.find(
      ({ deleted, status, photos }) => !deleted && status === "ACTIVE" && !photos.some(({ vector }) => vector),
    )!;
    for (let time = 0; time < 2; time++) {
      await cached.toProduct(ref(seeds[0]!), admin);
      await cached.toProducts([seeds[0]!.id], admin);
      await cached.toPicture(picture, shopper);
      await assert.rejects(cached.toProduct("nothing", shopper), { code: "PRODUCT_NOT_FOUND" });
      assert.equal((await cached.toProduct(ref(pending), shopper)).status, "PENDING");
    }
    assert.equal(searches, 10);
    const { entries, bypassed } = cached.counters();
    assert.deepEqual({ entries, bypassed }, { entries: 0, bypassed: 6 });
  });

  it("stays within its bound", async () => {
    const bound = 64 * 1024;
    const small = openProcess(bound);
    for (let first = 1; first <= 40; first++) {
      for (const seed of seeds.slice(0, 3)) await small.cached.toProduct(ref(seed), { ...shopper, first });
    }
    const { bytes, evictions, entries } = small.cached.counters();
    assert.ok(bytes <= bound && bytes > bound / 2, `${bytes} bytes`);
    assert.ok(evictions > 0 && entries < 120, `${entries} entries`);
  });

  it("sees every write of many at once, none of which waits for another", async () => {
    const before = await revisions.current();
    await Promise.all(
      seeds.slice(0, 12).map(({ id }) =>
        test.database.transaction(async (sql) => {
          await sql.query("UPDATE product SET title = title || '.' WHERE id = $1", [id]);
        }),
      ),
    );
    revisions.expire();
    assert.equal((await revisions.current()).products - before.products, 12n);
    await test.database
      .transaction(async (sql) => {
        await sql.query("UPDATE product SET title = title || '.' WHERE id = $1", [seeds[0]!.id]);
        throw new Error("no");
      })
      .catch(() => {});
    revisions.expire();
    assert.equal((await revisions.current()).products - before.products, 12n, "what was taken back is no change");
  });
});
