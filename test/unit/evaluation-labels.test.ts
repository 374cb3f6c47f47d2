import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { labelNames } from "../../src/cli/label-names.js";
import { labelReader, selectLabels } from "../../src/evaluation/index.js";

const NAMES = new Set(["Shoes > Boots", "Shoes > Sandals", "Kids > Boots", "Bags", "Kids > Bags, small"]);

describe("selecting labels", () => {
  const select = (onlyLabels?: string[], excludeLabels?: string[]) =>
    [...selectLabels(NAMES, { onlyLabels, excludeLabels })].sort();

  it("takes whole names, and last parts that mean one label", () => {
    assert.deepEqual(select(["Sandals", "Shoes > Boots"]), ["Shoes > Boots", "Shoes > Sandals"]);
    assert.deepEqual(select(["Bags", " Bags, small "]), ["Bags", "Kids > Bags, small"]);
  });

  it("leaves out, and takes both at once", () => {
    assert.deepEqual(select(undefined, ["Bags", "Sandals"]), ["Kids > Bags, small", "Kids > Boots", "Shoes > Boots"]);
    assert.deepEqual(select(["Bags", "Sandals"], ["Bags"]), ["Shoes > Sandals"]);
    assert.equal(select().length, NAMES.size);
  });

  it("refuses names that mean nothing or several, and says what there is", () => {
    assert.throws(() => select(["Hats"]), {
      code: "BAD_USER_INPUT",
      field: ["onlyLabels"],
      message: /no label "Hats"\. There are "Bags", "Kids > Bags, small"/,
    });
    assert.throws(() => select(undefined, ["Boots"]), {
      field: ["excludeLabels"],
      message: /"Boots" may mean "Kids > Boots", "Shoes > Boots"/,
    });
    assert.throws(() => select(["Bags"], ["Bags"]), { code: "BAD_USER_INPUT", message: /leaves no label/ });
    assert.throws(() => selectLabels(new Set(), { onlyLabels: ["none"] }), { message: /There are no labels at all/ });
    const many = new Set(Array.from({ length: 500 }, (_, at) => `label ${at}`));
    assert.throws(() => selectLabels(many, { onlyLabels: ["none"] }), { message: /and 480 others/ });
  });
});

describe("names of labels", () => {
  const item = {
    productId: 42n,
    categoryPath: ["Shoes", "Boots"],
    group: "north\u001fg1",
    attributes: { colour: ["red", "blue"] },
  };
  it("are as people write them", () => {
    const names = ["category", "group", "product", "attribute:colour"].map((kind) => labelReader(kind).label(item));
    assert.deepEqual(names, ["Shoes > Boots", "north > g1", "prod_42", "blue > red"]);
    assert.equal(labelReader("attribute:size").label(item), undefined);
    assert.equal(labelReader("group").shelf(item), "Shoes > Boots");
  });

  it("come from the command line between commas, in quotes when they hold one", () => {
    assert.deepEqual(labelNames('Boots, "Bags, small",'), ["Boots", "Bags, small"]);
    assert.deepEqual(labelNames("b", labelNames("a")), ["a", "b"]);
    for (const text of ["", " , ", '"open'])
      assert.throws(() => labelNames(text), { code: "commander.invalidArgument" });
  });
});
