import assert from "node:assert/strict";
import { after, before, beforeEach, it } from "node:test";
import { createModelVersions } from "../../src/models/index.js";
import { createSimilarItems, type SimilarItem, type SimilarItems } from "../../src/similar/index.js";
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
const NOON = new Date("2026-12-01T12:00:00Z");

describeOnBothDatabases("rules of similar items", (open) => {
  let test: TestDatabase;
  let vectors: Vectors;
  let catalog: RandomProduct[];
  let plain: SimilarItems;
  let now = NOON;
  const clock = () => now;

  /** As one process among several has it. */
  const openProcess = () => {
    const revisions = createRevisions({ sql: test.database });
    const books = createRuleBooks({ sql: test.database, revisions, clock });
    const rules = createSimilarRules({ database: test.database, revisions, clock });
    return { revisions, rules, similar: createRuledSimilarItems({ similar: plain, books, sql: test.database, clock }) };
  };
  let revisions: Revisions;
  let rules: SimilarRules;
  let similar: SimilarItems;

  before(async () => {
    test = await open();
    vectors = createVectors({ database: test.database, logger: testLogger });
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    const { id } = await models.ensureBase({ name: "test", digest: "a", dims: DIMS });
    catalog = drawCatalog(11, 120, DIMS);
    await loadCatalog(test.database, vectors, id, catalog);
    plain = createSimilarItems({ vectors, models });
    ({ revisions, rules, similar } = openProcess());
  });
  beforeEach(async () => {
    now = NOON;
    await test.database.query("DELETE FROM similar_rule");
    revisions.expire();
  });
  after(() => test.drop());

  const ref = ({ id }: RandomProduct): string => `prod_${id}`;
  const shown = (): RandomProduct[] => catalog.filter(({ deleted, status }) => !deleted && status === "ACTIVE");
  const ids = (items: readonly SimilarItem[]): bigint[] => items.map(({ productId }) => productId);

  async function all(
    seed: RandomProduct,
    first: () => number,
    request: Partial<Parameters<SimilarItems["toProduct"]>[1]> = {},
    asked: SimilarItems = similar,
  ): Promise<SimilarItem[]> {
    const items: SimilarItem[] = [];
    let after: string | undefined;
    for (;;) {
      const size = first();
      const page = await asked.toProduct(ref(seed), { ...request, first: size, ...(after ? { after } : {}) });
      items.push(...page.items);
      if (!page.hasNextPage) return items;
      assert.equal(page.items.length, size, "a page that has another after it is full");
      after = page.items.at(-1)!.cursor;
    }
  }

  it("show the same list for any size of page, pins at their positions and what is hidden nowhere", async () => {
    const random = createRandom(5);
    let pins = 0;
    for (let round = 0; round < 12; round++) {
      await test.database.query("DELETE FROM similar_rule");
      const seed = random.pick(shown());
      for (let made = 0; made < 8; made++) {
        const product = random.pick(catalog.filter((each) => !each.deleted && each.id !== seed.id));
        const scope = random.pick([
          {},
          { forProductId: ref(seed) },
          seed.category.length > 0 ? { forCategory: seed.category.slice(0, 1) } : {},
        ]);
        const rule = { productId: ref(product), ...scope };
        const position = random.pick([1, 2, 3, 5, 8, 40, 100]);
        await (random.chance(0.3) ? rules.hide(rule) : rules.pin({ ...rule, position })).catch((error) => {
          if (error.code !== "RULE_EXISTS") throw error;
        });
      }
      const request = {
        filter: random.chance(0.5) ? {} : { inStock: true },
        options: random.pick([{}, { fallback: "NONE" }, { excludeSameGroup: false, minScore: 0.5 }] as const),
      };
      const whole = await all(seed, () => 100, request);
      const paged = await all(seed, () => 1 + random.below(7), request);
      assert.deepEqual(
        paged.map(({ productId, reason, ruleId }) => [productId, reason, ruleId]),
        whole.map(({ productId, reason, ruleId }) => [productId, reason, ruleId]),
        `round ${round}`,
      );
      assert.equal(new Set(ids(whole)).size, whole.length, "nothing comes twice");
      assert.ok(!ids(whole).includes(seed.id));
      const listed = await rules.list({ limit: 100 });
      for (const [at, item] of whole.entries()) {
        if (item.reason !== "PINNED") continue;
        pins++;
        const rule = listed.find(({ id }) => id === item.ruleId)!;
        const taken = whole.slice(0, at).some((each) => each.reason === "PINNED");
        const ended = whole.slice(at).every(({ reason }) => reason === "PINNED");
        assert.ok(at + 1 === rule.position || (taken && at + 1 > rule.position!) || ended, `${at + 1}`);
        const product = catalog.find(({ id }) => id === item.productId)!;
        assert.ok(product.status === "ACTIVE" && (request.filter.inStock !== true || product.inStock));
      }
      // Without the pins it is the plain list less what is pinned, its groups, and what is hidden.
      const beside = whole.filter(({ reason }) => reason !== "PINNED");
      const rest = await all(seed, () => 100, request, plain);
      if (request.options.excludeSameGroup === false) {
        const out = new Set(ids(rest).filter((id) => !ids(beside).includes(id)));
        for (const id of out) assert.ok(listed.some(({ productId }) => productId === id));
      }
    }
    assert.ok(pins > 20, `only ${pins} pins`);
  });

  it("of one product come before a category's, and those before everybody's; hiding wins among equals", async () => {
    const seed = shown().find(({ category }) => category.length === 2)!;
    const product = shown().find((each) => each.id !== seed.id && each.group === undefined)!;
    const wide = { productId: ref(product) };
    const first = async () => (await similar.toProduct(ref(seed), { first: 3 })).items;
    await rules.pin({ ...wide, position: 1 });
    assert.equal((await first())[0]!.productId, product.id);
    const hidden = await rules.hide({ ...wide, forCategory: seed.category.slice(0, 1) });
    assert.ok(!ids(await all(seed, () => 100)).includes(product.id));
    const deeper = await rules.pin({ ...wide, position: 2, forCategory: seed.category });
    assert.equal((await first())[1]!.ruleId, deeper.id);
    await rules.hide({ ...wide, forCategory: seed.category });
    assert.ok(!ids(await all(seed, () => 100)).includes(product.id));
    const own = await rules.pin({ ...wide, position: 3, forProductId: ref(seed) });
    assert.equal((await first())[2]!.ruleId, own.id);
    await rules.remove(own.id);
    await rules.remove(hidden.id);
    assert.ok(!ids(await all(seed, () => 100)).includes(product.id));
  });

  it("that want one position get it by precedence, and the others the next free ones", async () => {
    const [seed, a, b, c] = shown().filter(({ group }) => group === undefined);
    const older = await rules.pin({ productId: ref(a!), position: 1 });
    const newer = await rules.pin({ productId: ref(b!), position: 1 });
    const second = await rules.pin({ productId: ref(c!), position: 2 });
    const { items } = await similar.toProduct(ref(seed!), { first: 4 });
    assert.deepEqual(
      items.map(({ ruleId }) => ruleId),
      [newer.id, second.id, older.id, undefined],
    );
    assert.deepEqual(
      items.map(({ rank }) => rank),
      [1, 2, 3, 4],
    );
  });

  it("hold between their dates", async () => {
    const [seed, product] = shown().filter(({ group }) => group === undefined);
    const at = (hours: number): Date => new Date(NOON.getTime() + hours * 3_600_000);
    const rule = await rules.pin({ productId: ref(product!), position: 1, from: at(1), to: at(2) });
    const isPinned = async () => (await similar.toProduct(ref(seed!), { first: 1 })).items[0]?.ruleId === rule.id;
    const seen: [number, boolean, string][] = [];
    for (const hours of [0, 0.99, 1, 1.99, 2, 3]) {
      now = at(hours);
      seen.push([hours, await isPinned(), rules.stateOf(rule)]);
    }
    assert.deepEqual(seen, [
      [0, false, "SCHEDULED"],
      [0.99, false, "SCHEDULED"],
      [1, true, "ACTIVE"],
      [1.99, true, "ACTIVE"],
      [2, false, "EXPIRED"],
      [3, false, "EXPIRED"],
    ]);
    now = at(1.5);
    assert.deepEqual((await rules.list({ state: "ACTIVE", limit: 9 })).length, 1);
    now = at(5);
    assert.deepEqual((await rules.list({ state: "EXPIRED", limit: 9 })).length, 1);
    assert.deepEqual((await rules.list({ state: "ACTIVE", limit: 9 })).length, 0);
  });

  it("pin what the shopper's filter lets through, though it is of another category or unlike", async () => {
    const seed = shown().find(({ category, priceMinor, currency }) => category.length > 0 && priceMinor && currency)!;
    const product = shown().find(
      (each) =>
        each.category[0] !== seed.category[0] &&
        each.inStock &&
        each.currency === seed.currency &&
        each.group === undefined &&
        each.photos.every(({ vector }) => vector !== undefined),
    )!;
    await rules.pin({ productId: ref(product), position: 1 });
    const pinned = async (filter: object, options: object = { minScore: 0.99 }) =>
      (await similar.toProduct(ref(seed), { first: 1, filter, options })).items[0]?.reason === "PINNED";
    assert.ok(await pinned({}));
    assert.ok(await pinned({ inStock: true }));
    assert.ok(!(await pinned({ inStock: false })));
    assert.ok(!(await pinned({ excludeProductIds: [product.id] })));
    assert.ok(!(await pinned({ categories: [seed.category] })));
    const ratio = Number(product.priceMinor) / Number(seed.priceMinor);
    assert.ok(await pinned({ relativePrice: { min: ratio * 0.9, max: ratio * 1.1 } }));
    assert.ok(!(await pinned({ relativePrice: { min: ratio * 1.1 } })));
    await test.database.query("UPDATE product SET status = 'DRAFT' WHERE id = $1", [product.id]);
    assert.ok(!(await pinned({})));
    await test.database.query("UPDATE product SET status = 'ACTIVE', deleted_at = now() WHERE id = $1", [product.id]);
    assert.ok(!(await pinned({})));
    await test.database.query("UPDATE product SET deleted_at = NULL WHERE id = $1", [product.id]);
    assert.ok(await pinned({}));
  });

  it("keep the pinned product's group out of the rest, and variants away from their own", async () => {
    const seed = shown().find(({ group }) => group === undefined)!;
    const grouped = shown().find(
      (each) => each.group && shown().filter((o) => o.source === each.source && o.group === each.group).length > 1,
    )!;
    const group = shown().filter((each) => each.source === grouped.source && each.group === grouped.group);
    await rules.pin({ productId: ref(grouped), position: 2 });
    const listed = ids(await all(seed, () => 100, { options: { sameCategory: false } }));
    assert.deepEqual(
      group.filter(({ id }) => listed.includes(id)).map(({ id }) => id),
      [grouped.id],
    );
    const sibling = group.find(({ id }) => id !== grouped.id)!;
    assert.ok(!ids(await all(sibling, () => 100)).includes(grouped.id));
    await rules.pin({ productId: ref(grouped), position: 1, forProductId: ref(sibling) });
    assert.equal((await similar.toProduct(ref(sibling), { first: 1 })).items[0]!.productId, grouped.id);
  });

  it("hold for a list of products, for several seeds and for pictures", async () => {
    const [seed, other, pinned, hidden] = shown().filter(
      ({ group, photos }) => group === undefined && photos[0]?.vector !== undefined,
    );
    await rules.pin({ productId: ref(pinned!), position: 2, forProductId: ref(seed!) });
    await rules.hide({ productId: ref(hidden!) });
    const request = { first: 100, options: { sameCategory: false } } as const;
    const pages = await similar.toProducts([seed!.id, other!.id, 999_999n], request);
    assert.deepEqual([...pages.keys()].sort(), [seed!.id, other!.id].sort());
    assert.deepEqual(pages.get(seed!.id), await similar.toProduct(ref(seed!), request));
    assert.deepEqual(pages.get(other!.id), await similar.toProduct(ref(other!), request));
    assert.equal(pages.get(seed!.id)!.items[1]!.productId, pinned!.id);
    const { modelId } = pages.get(seed!.id)!;
    const lists = [
      await similar.toPicture({ modelId, vector: seed!.photos[0]!.vector! }, request),
      await similar.toSeveral({ like: [ref(seed!), ref(other!)] }, request),
      pages.get(other!.id)!,
    ];
    for (const { items } of lists) {
      assert.ok(!ids(items).includes(hidden!.id));
      assert.ok(items.every(({ reason }) => reason !== "PINNED"));
    }
    await rules.hide({ productId: ref(pinned!), forProductId: ref(other!) });
    const several = await similar.toSeveral({ like: [ref(seed!), ref(other!)] }, request);
    assert.ok(!ids(several.items).includes(pinned!.id));
  });

  it("refuse cursors that are none", async () => {
    const [seed, product] = shown();
    await rules.pin({ productId: ref(product!), position: 1 });
    const { items } = await similar.toProduct(ref(seed!), { first: 2 });
    for (const { cursor } of items) {
      await similar.toProduct(ref(seed!), { first: 2, after: cursor });
      for (const wrong of [`${cursor}x`, `x${cursor}`, cursor.replace(".", ""), "", "."]) {
        const answer = similar.toProduct(ref(seed!), { first: 2, after: wrong });
        await assert.rejects(answer, { code: "BAD_USER_INPUT" }, JSON.stringify(wrong));
      }
    }
  });

  it("are refused when they make no sense, and made once", async () => {
    const [seed, product] = shown();
    const pin = { productId: ref(product!), position: 1 };
    const field = (code: string, ...names: string[]) => ({ code, field: names });
    for (const position of [0, 101, 1.5, Number.NaN]) {
      await assert.rejects(rules.pin({ ...pin, position }), field("BAD_USER_INPUT", "position"));
    }
    await assert.rejects(rules.pin({ ...pin, productId: "prod_999999" }), {
      code: "PRODUCT_NOT_FOUND",
      field: "productId",
    });
    await assert.rejects(rules.pin({ ...pin, forProductId: "nothing" }), {
      code: "PRODUCT_NOT_FOUND",
      field: "forProductId",
    });
    await assert.rejects(rules.pin({ ...pin, forProductId: ref(product!) }), field("BAD_USER_INPUT", "forProductId"));
    await assert.rejects(rules.pin({ ...pin, forCategory: [] }), field("BAD_USER_INPUT", "forCategory"));
    await assert.rejects(rules.pin({ ...pin, forCategory: [""] }), field("BAD_USER_INPUT", "forCategory"));
    const both = { forProductId: ref(seed!), forCategory: ["shoes"] };
    await assert.rejects(rules.pin({ ...pin, ...both }), field("BAD_USER_INPUT", "forCategory"));
    await assert.rejects(rules.pin({ ...pin, from: NOON, to: NOON }), field("BAD_USER_INPUT", "to"));
    await assert.rejects(rules.pin({ ...pin, to: NOON }), field("BAD_USER_INPUT", "to"));
    await assert.rejects(rules.pin({ ...pin, from: new Date(Number.NaN) }), field("BAD_USER_INPUT", "from"));
    await assert.rejects(rules.hide({ ...pin, note: "x".repeat(1001) }), field("BAD_USER_INPUT", "note"));

    const made = await rules.pin(pin);
    assert.deepEqual(await rules.pin(pin), made);
    await assert.rejects(rules.pin({ ...pin, position: 2 }), { code: "RULE_EXISTS", message: /position 1 .*rule_/ });
    const moved = await rules.change(made.id, { position: 2, to: new Date(NOON.getTime() + 1_000), note: "sale" });
    assert.deepEqual([moved.position, moved.note, moved.from], [2, "sale", null]);
    const later = await rules.pin({ ...pin, from: moved.to! });
    await assert.rejects(rules.change(later.id, { from: null }), { code: "RULE_EXISTS" });
    await assert.rejects(rules.change(later.id, { to: NOON }), field("BAD_USER_INPUT", "to"));
    await assert.rejects(rules.change(999n, {}), { code: "RULE_NOT_FOUND" });
    const hidden = await rules.hide({ productId: pin.productId });
    await assert.rejects(rules.change(hidden.id, { position: 3 }), field("BAD_USER_INPUT", "position"));
    await rules.remove(hidden.id);
    await assert.rejects(rules.remove(hidden.id), { code: "RULE_NOT_FOUND" });
  });

  it("made at once by several processes are made once", async () => {
    const others = Array.from({ length: 4 }, openProcess);
    const [product, next] = shown();
    const made = await Promise.all(
      others.map((process) => process.rules.pin({ productId: ref(product!), position: 4 })),
    );
    assert.equal(new Set(made.map(({ id }) => id)).size, 1);
    const outcomes = await Promise.allSettled(
      others.map((process, at) => process.rules.pin({ productId: ref(next!), position: at + 1 })),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await rules.list({ limit: 99 })).length, 2);
  });

  it("of another process hold within a second", async () => {
    const other = openProcess();
    const [seed, product] = shown().filter(({ group }) => group === undefined);
    const first = async () => (await other.similar.toProduct(ref(seed!), { first: 1 })).items[0]?.reason;
    assert.notEqual(await first(), "PINNED");
    await rules.pin({ productId: ref(product!), position: 1 });
    const deadline = Date.now() + 1_000;
    while (Date.now() < deadline) await first();
    assert.equal(await first(), "PINNED");
  });
});
