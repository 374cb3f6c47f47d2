import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { lookalike } from "../support/command-line.js";
import { asAdmin, fillShop, openShop, type TestShop } from "../support/shop.js";

interface Payload {
  readonly rule: { id: string; state: string; position: number | null } | null;
  readonly userErrors: { field: string[]; code: string }[];
}

const PIN = `mutation ($input: PinSimilarItemInput!) {
  pinSimilarItem(input: $input) { rule { id state position } userErrors { field code } } }`;

describe("rules over GraphQL and on the command line", () => {
  let shop: TestShop;

  before(async () => {
    shop = await openShop("embedded");
    await fillShop(shop);
  });
  after(() => shop.close());

  const change = async (query: string, variables: Record<string, unknown> = {}): Promise<Payload> => {
    const answer = await shop.ask<Record<string, Payload>>(query, variables, asAdmin);
    assert.equal(answer.errors, undefined);
    return Object.values(answer.data!)[0]!;
  };
  const similar = async () => {
    const answer = await shop.ask<{ similarItems: { edges: { reason: string; node: { externalId: string } }[] } }>(
      `{ similarItems(productId: "mugs-red", first: 3) { edges { reason node { externalId } } } }`,
    );
    return answer.data!.similarItems.edges.map(({ reason, node }) => `${reason} ${node.externalId}`);
  };

  it("are for administrators", async () => {
    for (const query of [
      `mutation { pinSimilarItem(input: { productId: "mugs-red", position: 1 }) { rule { id } } }`,
      `mutation { hideSimilarItem(input: { productId: "mugs-red" }) { rule { id } } }`,
      `mutation { updateSimilarRule(id: "rule_1", input: {}) { rule { id } } }`,
      `mutation { removeSimilarRule(id: "rule_1") { removedId } }`,
      "{ similarRules { nodes { id } } }",
    ]) {
      assert.equal((await shop.ask(query)).errors?.[0]?.extensions.code, "UNAUTHENTICATED", query);
    }
  });

  it("take effect for shoppers with the mutation's answer", async () => {
    assert.ok(!(await similar()).some((item) => item.includes("lamps-blue")));
    const input = { productId: "lamps-blue", position: 2, forProductId: "mugs-red" };
    const { rule } = await change(PIN, { input });
    assert.deepEqual([rule?.state, rule?.position], ["ACTIVE", 2]);
    assert.equal((await similar())[1], "PINNED lamps-blue");
    const moved = await change(
      `mutation ($id: ID!) { updateSimilarRule(id: $id, input: { position: 1 }) { rule { id state position } userErrors { code } } }`,
      { id: rule!.id },
    );
    assert.equal(moved.rule?.position, 1);
    assert.equal((await similar())[0], "PINNED lamps-blue");
    const gone = await shop.ask(
      `mutation ($id: ID!) { removeSimilarRule(id: $id) { removedId userErrors { code } } }`,
      { id: rule!.id },
      asAdmin,
    );
    assert.deepEqual(gone.data, { removeSimilarRule: { removedId: rule!.id, userErrors: [] } });
    assert.ok(!(await similar()).some((item) => item.includes("lamps-blue")));
  });

  it("say what is wrong, and where", async () => {
    const errors = async (input: object) => (await change(PIN, { input })).userErrors;
    const good = { productId: "lamps-blue", position: 1 };
    assert.deepEqual(await errors({ ...good, position: 101 }), [
      { field: ["input", "position"], code: "BAD_USER_INPUT" },
    ]);
    assert.deepEqual(await errors({ ...good, productId: "nothing" }), [
      { field: ["input", "productId"], code: "PRODUCT_NOT_FOUND" },
    ]);
    assert.deepEqual(await errors({ ...good, forProductId: "lamps-blue" }), [
      { field: ["input", "forProductId"], code: "BAD_USER_INPUT" },
    ]);
    const dates = { from: "2030-01-02T00:00:00+01:00", to: "2030-01-01T23:00:00Z" };
    assert.deepEqual(await errors({ ...good, ...dates }), [{ field: ["input", "to"], code: "BAD_USER_INPUT" }]);
    const made = await change(PIN, { input: { ...good, to: "2099-01-01T00:00:00Z" } });
    assert.deepEqual(await errors({ ...good, position: 2 }), [{ field: ["input"], code: "RULE_EXISTS" }]);
    const unknown = `mutation ($id: ID!) { updateSimilarRule(id: $id, input: { note: "x" }) { rule { id } userErrors { field code } } }`;
    for (const id of ["rule_99999", "7", "rule_99999999999999999999"]) {
      assert.deepEqual((await change(unknown, { id })).userErrors, [{ field: ["id"], code: "RULE_NOT_FOUND" }]);
    }
    await shop.core.rules.remove(BigInt(made.rule!.id.slice("rule_".length)));
  });

  it("are listed a page at a time", async () => {
    for (const position of [1, 2, 3]) {
      await change(PIN, { input: { productId: "lamps-blue", position, forCategory: [`level ${position}`] } });
    }
    const page = async (args: string) => {
      const query = `{ similarRules(${args}) { nodes { position forCategory product { externalId } }
        pageInfo { hasNextPage endCursor } } }`;
      const answer = await shop.ask<{
        similarRules: { nodes: { position: number }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
      }>(query, {}, asAdmin);
      assert.equal(answer.errors, undefined);
      const { nodes, pageInfo } = answer.data!.similarRules;
      return { ...pageInfo, positions: nodes.map(({ position }) => position) };
    };
    const first = await page("first: 2");
    assert.deepEqual([first.positions, first.hasNextPage], [[3, 2], true]);
    const rest = await page(`first: 2, after: "${first.endCursor}"`);
    assert.deepEqual([rest.positions, rest.hasNextPage], [[1], false]);
    assert.deepEqual((await page(`forCategory: ["level 2"]`)).positions, [2]);
    assert.deepEqual((await page(`productId: "mugs-red"`)).positions, []);
    assert.deepEqual((await page("state: EXPIRED")).positions, []);
    const wrong = await shop.ask(`{ similarRules(after: "x") { nodes { id } } }`, {}, asAdmin);
    assert.equal(wrong.errors?.[0]?.extensions.code, "BAD_USER_INPUT");
  });

  it("are kept on the command line", async () => {
    const settings = { LOOKALIKE_DATA: shop.core.config.data };
    const json = async <Answer>(...args: string[]): Promise<Answer> => {
      const { code, stdout, stderr } = await lookalike(["rules", ...args, "--json"], settings);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as Answer;
    };
    const pin = await json<{ id: string; state: string; forCategory: string[] }>(
      ...["pin", "lamps-blue", "--position", "4", "--for-category", "A > B", "--from", "2098-01-01"],
    );
    assert.deepEqual([pin.state, pin.forCategory], ["SCHEDULED", ["A", "B"]]);
    const listed = await json<{ id: string }[]>("list", "--state", "scheduled");
    assert.deepEqual(
      listed.map(({ id }) => id),
      [pin.id],
    );
    const table = await lookalike(["rules", "list"], settings);
    assert.match(table.stdout, /A > B\s+SCHEDULED/);
    assert.equal((await json<{ id: string }>("remove", pin.id)).id, pin.id);
    assert.match((await lookalike(["rules", "remove", pin.id], settings)).stderr, /There is no rule/);
    const said = await lookalike(["rules", "hide", "lamps-blue", "--for-product", "mugs-red"], settings);
    assert.match(said.stdout, /hides prod_\d+, prod_\d+ \(active\)/);
  });
});
