import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BadUserInput } from "../../src/errors.js";
import { createCursors, type Place } from "../../src/similar/cursor.js";
import type { SearchConditions } from "../../src/vectors/vectors.type.js";

const conditions: SearchConditions = {
  filter: { price: { currency: "EUR", minMinor: 100n } },
  sameCategory: true,
  oneOfGroup: true,
  match: "BEST_IMAGE",
};
const places: Place[] = [
  { modelId: 1, phase: "ranking", scan: "exact", offset: 12 },
  { modelId: 4_000_000_000, phase: "ranking", scan: "hnsw", offset: 64, start: { rank: -0.1234567, productId: 9n } },
  { modelId: 7, phase: "ranking", scan: "exact", offset: 0, start: { rank: 0, productId: 0n } },
  { modelId: 7, phase: "newest" },
  { modelId: 7, phase: "newest", after: 2n ** 62n },
];

describe("cursors", () => {
  const cursors = createCursors(conditions);

  it("come back as they went", () => {
    for (const place of places) assert.deepEqual(cursors.decode(cursors.encode(place)), place);
  });

  it("are refused when a character changed, when cut, and when made up", () => {
    const cursor = cursors.encode(places[1]!);
    for (let at = 0; at < cursor.length; at++) {
      const garbled = cursor.slice(0, at) + (cursor[at] === "A" ? "B" : "A") + cursor.slice(at + 1);
      assert.throws(() => cursors.decode(garbled), BadUserInput, garbled);
    }
    for (const wrong of [
      "",
      "x",
      cursor.slice(1),
      `${cursor}=`,
      ` ${cursor}`,
      `${cursor}AA`,
      "ünïcode",
      "0".repeat(38),
    ]) {
      assert.throws(() => cursors.decode(wrong), { code: "BAD_USER_INPUT", field: ["after"] }, wrong);
    }
  });

  it("are refused by a search with another filter or option", () => {
    const cursor = cursors.encode(places[0]!);
    const others: SearchConditions[] = [
      { ...conditions, filter: {} },
      { ...conditions, filter: { price: { currency: "EUR", minMinor: 101n } } },
      { ...conditions, match: "PRODUCT" },
      { ...conditions, maxDistance: 1 },
    ];
    for (const other of others) assert.throws(() => createCursors(other).decode(cursor), BadUserInput);
  });
});
