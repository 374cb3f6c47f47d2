import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildSchema, parse } from "graphql";
import { parseProductKey, printSubgraph, subgraphDefinitions } from "../../src/federation/index.js";
import { buildGraphqlSchema } from "../../src/server/graphql-schema.js";

describe("the key of a product in a supergraph", () => {
  it("has the usual types, or those that are given", () => {
    assert.deepEqual(parseProductKey("id"), { id: { name: "id", type: "ID!" }, others: [] });
    assert.deepEqual(parseProductKey(" id  channel "), {
      id: { name: "id", type: "ID!" },
      others: [{ name: "channel", type: "String" }],
    });
    assert.deepEqual(parseProductKey("sku:ID"), { id: { name: "sku", type: "ID" }, others: [] });
    assert.deepEqual(parseProductKey("sku region:String!"), {
      id: { name: "sku", type: "String!" },
      others: [{ name: "region", type: "String!" }],
    });
  });

  for (const wrong of ["", "  ", "id id", "1d", "id,channel", "id { name }", "similarItems", "__typename", "id:Int"]) {
    it(`is refused: ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => parseProductKey(wrong), { code: "BAD_USER_INPUT", field: ["productKey"] });
    });
  }

  it("stands on the product, which has nothing else of ours but its similar items", () => {
    const key = parseProductKey("id channel");
    const text = printSubgraph(subgraphDefinitions(buildGraphqlSchema(), key), key);
    assert.match(text, /^type Product @key\(fields: "id channel"\) \{\n {2}id: ID!\n {2}channel: String\n/m);
    assert.match(text, /node: Product\n/);
    assert.match(text, /nodes: \[Product\]!\n/);
    assert.ok(!/startTraining|upsertProducts|ModelVersion/.test(text));
    const types = parse(text).definitions.flatMap((node) => ("name" in node && node.name ? [node.name.value] : []));
    const ours = /^(Query|Mutation|Product|SimilarItem\w*|Lookalike\w+)$/;
    assert.deepEqual(
      types.filter((name) => !ours.test(name)),
      [],
    );
    const plain = text.replace(/^extend schema.*$/m, "").replace(/ @key\([^)]*\)/, "");
    assert.doesNotThrow(() => buildSchema(plain));
  });
});
