import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { Kind, type OperationDefinitionNode, parse } from "graphql";
import { packageRoot } from "../../src/database/package-root.js";
import { STOREFRONT_FIELDS } from "../../src/server/surface/index.js";
import { asAdmin, fillShop, openShop, type TestShop } from "../support/shop.js";
import { STOREFRONT_QUERIES } from "../support/storefront-types.js";

/** What stands in the pages for a picture. */
const ELLIPSIS = "data:image/jpeg;base64,…";
const PAGE = readFileSync(path.join(packageRoot(), "docs", "graphql.md"), "utf8");

describe("documentation for storefronts", () => {
  let shop: TestShop;
  let picture: string;
  before(async () => {
    shop = await openShop("embedded");
    await fillShop(shop);
    const images = await shop.core.products.imagesOf([(await shop.core.findProduct("mugs-blue"))!]);
    const bytes = await shop.core.blobs.read([...images.values()][0]![0]!.contentHash!);
    picture = `data:image/png;base64,${bytes.toString("base64")}`;
  });
  after(() => shop.close());

  const run = async (query: string, variables: object, headers: Record<string, string> = {}): Promise<void> => {
    const filled = JSON.parse(JSON.stringify(variables).replaceAll(ELLIPSIS, picture)) as Record<string, unknown>;
    const answer = await shop.ask<Record<string, unknown>>(query, filled, headers);
    assert.equal(answer.errors, undefined);
    for (const [field, found] of Object.entries(answer.data!)) assertSomething(field, found);
  };

  const blocks = [...PAGE.matchAll(/^```graphql\n([\s\S]*?)^```\n(?:\n```json\n([\s\S]*?)^```\n)?/gm)];
  for (const [, query, variables] of blocks) {
    it(`docs/graphql.md: ${firstLine(query!)}`, () =>
      run(query!, JSON.parse(variables ?? "{}") as object, roleFor(query!)));
  }

  it("docs/graphql.md has its requests", () => assert.ok(blocks.length >= 9));

  it("docs/graphql.md links to its own sections and to files that exist", () => {
    const anchors = new Set(
      [...PAGE.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
        title!
          .toLowerCase()
          .replace(/[^a-z0-9 -]/g, "")
          .replaceAll(" ", "-"),
      ),
    );
    for (const [, target] of PAGE.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [file, anchor] = target!.split("#");
      if (file === "") assert.ok(anchors.has(anchor!), target);
      else assert.ok(existsSync(path.join(packageRoot(), "docs", file!)), target);
    }
  });

  const variables = {
    SimilarItems: { productId: "mugs-red", filter: { inStock: true } },
    ProductList: {},
    SimilarToCart: { productIds: ["mugs-red", "bags-blue"] },
    SimilarToPicture: { dataUri: ELLIPSIS },
  };
  const document = parse(readFileSync(STOREFRONT_QUERIES, "utf8"));
  for (const { name } of document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION)) {
    it(`examples/storefront-react: ${name!.value}`, async () => {
      const asked = variables[name!.value as keyof typeof variables];
      assert.ok(asked, "variables for the query");
      const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
      const text = [
        sourceOf(name!.value),
        ...fragments.map((node) => node.loc!.source.body.slice(node.loc!.start, node.loc!.end)),
      ];
      await run(text.join("\n"), asked);
    });
  }

  function sourceOf(name: string): string {
    const { loc } = document.definitions.find(
      (node) => node.kind === Kind.OPERATION_DEFINITION && node.name?.value === name,
    )!;
    return loc!.source.body.slice(loc!.start, loc!.end);
  }
});

/** A list of items, or products, that has some; a mutation without complaints. */
function assertSomething(field: string, found: unknown): void {
  assert.ok(typeof found === "object" && found !== null, field);
  const { nodes, edges, userErrors } = found as { nodes?: unknown[]; edges?: unknown[]; userErrors?: unknown[] };
  for (const list of [nodes, edges]) assert.ok(list === undefined || list.length > 0, `${field} is empty`);
  assert.deepEqual(userErrors ?? [], []);
}

/** Shoppers ask as nobody; what they may not ask is for administrators. */
function roleFor(query: string): Record<string, string> {
  const operation = parse(query).definitions.find((node): node is OperationDefinitionNode => "operation" in node)!;
  const storefront = new Set(Object.values(STOREFRONT_FIELDS).flat());
  const isForShoppers = operation.selectionSet.selections.every(
    (node) => node.kind === Kind.FIELD && storefront.has(node.name.value),
  );
  return isForShoppers ? {} : asAdmin;
}

function firstLine(query: string): string {
  return query.replace(/\s+/g, " ").slice(0, 60);
}
