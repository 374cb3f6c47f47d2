import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BadUserInput } from "../../src/errors.js";
import { type CursorSearch, createCursors, modelOfCursor, type Place } from "../../src/similar/cursor.js";

const conditions: CursorSearch["conditions"] = {
  filter: { price: { currency: "EUR", minMinor: 100n } },
  sameCategory: true,
  oneOfGroup: true,
  match: "BEST_IMAGE",
};
const search: CursorSearch = { conditions, minScore: 0.5 };
const at = (rank: number, productId: bigint) => ({ rank, productId });
const places: Place[] = [
  { modelId: 1, phase: "ranking", level: 0, shown: 12, scan: "exact", offset: 12, after: at(-0.5, 3n) },
  {
    ...{ modelId: 4_000_000_000, phase: "ranking", level: 2, shown: 70, scan: "hnsw", offset: 6, maxDistance: 0.4 },
    ...{ start: at(-0.1234567, 9n), end: at(0.25, 2n ** 63n - 1n), after: at(-0.1, 1n) },
  },
  { modelId: 7, phase: "ranking", level: 0, shown: 0, scan: "exact", offset: 0, start: at(0, 0n) },
  { modelId: 7, phase: "fallback", level: 0, shown: 0 },
  { modelId: 7, phase: "fallback", level: 3, shown: 99, after: { productId: 2n ** 62n } },
  { modelId: 7, phase: "fallback", level: 0, shown: 1, maxDistance: 0, after: { productId: 5n, score: 1.5 } },
];

describe("cursors", () => {
  const cursors = createCursors(search);

  it("come back as they went", () => {
    for (const place of places) {
      const cursor = cursors.encode(place);
      assert.deepEqual(cursors.decode(cursor), place);
      assert.equal(modelOfCursor(cursor), place.modelId);
    }
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
    const others: CursorSearch[] = [
      { ...search, conditions: { ...conditions, filter: {} } },
      { ...search, conditions: { ...conditions, filter: { price: { currency: "EUR", minMinor: 101n } } } },
      { ...search, conditions: { ...conditions, match: "PRODUCT" } },
      { ...search, minScore: 0.6 },
      { ...search, diversity: 0.1 },
    ];
    for (const other of others) assert.throws(() => createCursors(other).decode(cursor), BadUserInput);
  });
});
