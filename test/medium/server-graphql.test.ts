import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, it } from "node:test";
import { packageRoot } from "../../src/database/package-root.js";
import { describeOnBothDatabases } from "../support/database.js";
import { asAdmin, fillShop, openShop, type TestShop } from "../support/shop.js";

interface SimilarAnswer {
  similarItems: {
    status: string;
    totalCount: number | null;
    edges: {
      cursor: string;
      score: number;
      distance: number;
      reason: string;
      node: { id: string; externalId: string; title: string; inStock: boolean; groupKey: string };
      matchedImage: { url: string } | null;
      queryImage: { url: string } | null;
    }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
}

const SIMILAR = `query ($id: ID!, $first: Int! = 12, $after: String, $filter: SimilarItemsFilter, $options: SimilarItemsOptions) {
  similarItems(productId: $id, first: $first, after: $after, filter: $filter, options: $options) {
    status totalCount pageInfo { hasNextPage endCursor }
    edges { cursor score distance reason matchedImage { url } queryImage { url }
      node { id externalId title inStock groupKey } }
  }
}`;

describeOnBothDatabases("GraphQL over HTTP", (_, kind) => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop(kind);
    await fillShop(shop);
  });
  after(() => shop.close());

  const similar = async (variables: Record<string, unknown>): Promise<SimilarAnswer["similarItems"]> => {
    const answer = await shop.ask<SimilarAnswer>(SIMILAR, variables);
    assert.equal(answer.errors, undefined);
    return answer.data!.similarItems;
  };

  it("answers with neighbours, nearest first, without the product and its group", async () => {
    const { status, edges } = await similar({
      id: "mugs-red",
      options: { fallback: "NONE", widenCategory: false },
    });
    assert.equal(status, "READY");
    assert.ok(edges.length >= 2);
    const distances = edges.map(({ distance }) => distance);
    assert.deepEqual(
      distances,
      distances.toSorted((a, b) => a - b),
    );
    for (const { node, score, distance, reason, matchedImage, queryImage } of edges) {
      assert.notEqual(node.groupKey, "mugs-0");
      assert.match(node.externalId, /^mugs-/);
      assert.ok(Math.abs(score - (1 - distance / 2)) < 1e-6);
      assert.equal(reason, "VISUAL");
      assert.match(matchedImage!.url, /^\/photos\/img_\d+$/);
      assert.match(queryImage!.url, /^\/photos\/img_\d+$/);
    }
  });

  it("finds the same by our id, and pages without repeating or losing an item", async () => {
    const options = { sameCategory: false, excludeSameGroup: false, fallback: "NONE" };
    const all = await similar({ id: "bags-blue", first: 100, options });
    assert.equal(all.edges.length, 23);
    assert.equal(all.totalCount, 23);
    const product = await shop.ask<{ product: { id: string } }>(`{ product(id: "bags-blue") { id } }`);
    const paged: string[] = [];
    let after: string | null = null;
    do {
      const page: SimilarAnswer["similarItems"] = await similar({
        id: product.data!.product.id,
        first: 5,
        after,
        options,
      });
      paged.push(...page.edges.map(({ node }) => node.id));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
    assert.deepEqual(paged.toSorted(), all.edges.map(({ node }) => node.id).toSorted());
    assert.equal(new Set(paged).size, 23);
  });

  it("filters by stock, price, brand, category, attribute and id", async () => {
    const options = { sameCategory: false, excludeSameGroup: false, fallback: "NONE" };
    const ids = async (filter: object): Promise<string[]> =>
      (await similar({ id: "mugs-red", first: 100, options, filter })).edges.map(({ node }) => node.externalId);
    assert.ok(!(await ids({ inStock: true })).some((id) => id.endsWith("-grey")));
    assert.deepEqual(
      (await ids({ price: { max: "11.50", currency: "EUR" } })).filter((id) => !/red|blue/.test(id)),
      [],
    );
    assert.equal((await ids({ price: { max: "11.50", currency: "USD" } })).length, 0);
    assert.equal((await ids({ brand: "Alder" })).length, 11);
    assert.equal((await ids({ category: [["Home", "Lamps"]] })).length, 6);
    assert.equal((await ids({ category: "Home" })).length, 23);
    assert.equal((await ids({ attributes: { name: "color", values: ["green"] } })).length, 4);
    const [nearest] = (await similar({ id: "mugs-red", options })).edges;
    assert.ok(!(await ids({ excludeIds: [nearest!.node.id] })).includes(nearest!.node.externalId));
  });

  it("answers twenty products' similar items with one search", async () => {
    const { pool } = shop.core.database;
    const statements: string[] = [];
    const query = pool.query.bind(pool);
    pool.query = ((...args: Parameters<typeof query>) => {
      const [first] = args as unknown[];
      const text = typeof first === "string" ? first : (first as { text: string }).text;
      if (text.includes("product_vector")) statements.push(text);
      return query(...args);
    }) as typeof pool.query;
    try {
      const answer = await shop.ask<{ products: { nodes: { similarItems: { nodes: unknown[] } }[] } }>(
        "{ products(first: 20) { nodes { similarItems(first: 3, options: { fallback: NONE, widenCategory: false }) { nodes { id images { url } } } } } }",
      );
      assert.equal(answer.errors, undefined);
      assert.equal(answer.data!.products.nodes.length, 20);
      assert.ok(answer.data!.products.nodes.every(({ similarItems }) => similarItems.nodes.length > 0));
      assert.equal(statements.length, 1);
    } finally {
      pool.query = query;
    }
  });

  it("finds products by a picture, and says what is wrong with one", async () => {
    const image = await shop.core.products.imagesOf([(await shop.core.findProduct("plates-green"))!]);
    const hash = [...image.values()][0]![0]!.contentHash!;
    const dataUri = `data:image/png;base64,${(await shop.core.blobs.read(hash)).toString("base64")}`;
    const ask = (input: object) =>
      shop.ask<{ similarItemsByImage: { nodes: { externalId: string }[] } }>(
        `query ($image: ImageInput!) { similarItemsByImage(image: $image, first: 3) { nodes { externalId } } }`,
        { image: input },
      );
    const found = await ask({ dataUri });
    assert.equal(found.data!.similarItemsByImage.nodes[0]!.externalId, "plates-green");
    const codeOf = async (input: object) => (await ask(input)).errors?.[0]?.extensions.code;
    assert.equal(await codeOf({}), "BAD_USER_INPUT");
    assert.equal(await codeOf({ dataUri, url: "https://shop.example/a.jpg" }), "BAD_USER_INPUT");
    assert.match((await codeOf({ dataUri: "data:image/png;base64,AAAA" }))!, /^PHOTO_/);
    assert.match((await codeOf({ url: "http://169.254.169.254/latest/meta-data" }))!, /^FETCH_/);
  });

  it("takes what is right of a batch, and names what is not", async () => {
    const mutation = `mutation ($input: UpsertProductsInput!) { upsertProducts(input: $input) {
      results { externalId outcome product { id title price { amount minor currency } attributes { name values } } }
      userErrors { field message code } } }`;
    const good = {
      externalId: "t1",
      title: "Teapot",
      price: { amount: 39.9, currency: "EUR" },
      attributes: [{ name: "color", values: ["white"] }],
    };
    const products = [
      good,
      { externalId: "t2", title: " " },
      { externalId: "t3", title: "Pot", price: { amount: "1.999", currency: "EUR" } },
      { externalId: "t4", title: "Pot", photos: ["file:///etc/passwd"] },
      { externalId: "t5", title: "Pot", price: { amount: "1", currency: "ZZZ" } },
      {
        externalId: "t6",
        title: "Pot",
        photos: Array.from({ length: 300 }, (_, n) => `https://shop.example/${n}.jpg`),
      },
      { externalId: "", title: "Pot" },
      { externalId: "t7", title: "x".repeat(2_001) },
      { externalId: "t8", title: "Pot", price: { amount: "1", currency: "eur" } },
      { externalId: "t9", title: "Pot", attributes: [{ name: "", values: ["white"] }] },
    ];
    type Payload = {
      upsertProducts: {
        results: { outcome: string; product: unknown }[];
        userErrors: { field: string[]; code: string }[];
      };
    };
    const first = await shop.ask<Payload>(mutation, { input: { source: "mine", products } }, asAdmin);
    const { results, userErrors } = first.data!.upsertProducts;
    assert.equal(results.length, 1);
    assert.equal(results[0]!.outcome, "CREATED");
    assert.deepEqual(
      { ...(results[0]!.product as object), id: undefined },
      {
        id: undefined,
        title: "Teapot",
        price: { amount: "39.90", minor: "3990", currency: "EUR" },
        attributes: [{ name: "color", values: ["white"] }],
      },
    );
    assert.deepEqual(
      userErrors.map(({ field }) => field.slice(0, 4)),
      [
        ["input", "products", "1", "title"],
        ["input", "products", "2", "price"],
        ["input", "products", "3", "photos"],
        ["input", "products", "4", "price"],
        ["input", "products", "5", "photos"],
        ["input", "products", "6", "externalId"],
        ["input", "products", "7", "title"],
        ["input", "products", "8", "price"],
        ["input", "products", "9", "attributes"],
      ],
    );
    const again = await shop.ask<Payload>(mutation, { input: { source: "mine", products: [good] } }, asAdmin);
    assert.equal(again.data!.upsertProducts.results[0]!.outcome, "UNCHANGED");
    const gone = await shop.ask(
      `mutation { deleteProducts(input: { source: "mine", externalIds: ["t1"], ids: ["prod_999999"] }) {
        results { externalId outcome product { id } } userErrors { field code } } }`,
      {},
      asAdmin,
    );
    assert.deepEqual(gone.data, {
      deleteProducts: {
        results: [{ externalId: "t1", outcome: "DELETED", product: null }],
        userErrors: [{ field: ["input", "ids", "0"], code: "PRODUCT_NOT_FOUND" }],
      },
    });
    const after = await shop.ask<{ product: unknown }>(`{ product(id: "t1") { id } }`);
    assert.equal(after.data!.product, null);
  });

  it("hides unpublished products from shoppers and shows them to administrators", async () => {
    const input = { source: "hidden", products: [{ externalId: "d1", title: "Draft", status: "DRAFT" }] };
    await shop.ask(
      "mutation ($input: UpsertProductsInput!) { upsertProducts(input: $input) { userErrors { code } } }",
      { input },
      asAdmin,
    );
    const query = `{ product(id: "d1") { title } }`;
    assert.deepEqual((await shop.ask(query)).data, { product: null });
    assert.deepEqual((await shop.ask(query, {}, asAdmin)).data, { product: { title: "Draft" } });
    const similarTo = `{ similarItems(productId: "d1") { status } }`;
    assert.equal((await shop.ask(similarTo)).errors?.[0]?.extensions.code, "PRODUCT_NOT_FOUND");
    assert.deepEqual((await shop.ask(similarTo, {}, asAdmin)).data, { similarItems: { status: "PENDING" } });
    const list = `{ products(filter: { status: DRAFT }) { nodes { title } } }`;
    assert.equal((await shop.ask(list)).errors?.[0]?.extensions.code, "UNAUTHENTICATED");
    assert.deepEqual((await shop.ask(list, {}, asAdmin)).data, { products: { nodes: [{ title: "Draft" }] } });
  });

  const examples = path.join(packageRoot(), "schema", "examples");
  for (const file of readdirSync(examples).filter((name) => name.endsWith(".graphql"))) {
    it(`runs schema/examples/${file}`, async () => {
      const query = readFileSync(path.join(examples, file), "utf8");
      const answer = await shop.ask(query, readVariables(path.join(examples, file)), asAdmin);
      assert.equal(answer.errors, undefined);
      for (const payload of Object.values(answer.data!)) {
        assert.ok(payload !== null && payload !== undefined);
        const errors = typeof payload === "object" && "userErrors" in payload ? payload.userErrors : [];
        assert.deepEqual(errors, []);
      }
    });
  }
});

function readVariables(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file.replace(/\.graphql$/, ".variables.json"), "utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}
