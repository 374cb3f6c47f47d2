import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import sharp from "sharp";
import { drawCatalog } from "../../src/demo/draw-catalog.js";
import { drawPhoto } from "../../src/demo/draw-photo.js";
import { PRODUCT_SHAPES } from "../../src/demo/product-shapes.js";

describe("the demo's catalog", () => {
  let folder: string;
  let drawn: Awaited<ReturnType<typeof drawCatalog>>;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-demo-"));
    drawn = await drawCatalog(folder, 7);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("holds 288 products of 12 categories, designs in two colours, some of them to test by", async () => {
    const rows = parse(await readFile(drawn.feed), { columns: true }) as Record<string, string>[];
    assert.equal(rows.length, 288);
    assert.equal(drawn.products, 288);
    assert.equal(new Set(rows.map((row) => row.id)).size, 288);
    assert.equal(new Set(rows.map((row) => row.product_type)).size, 12);
    const sizes = new Map<string, number>();
    for (const { item_group_id: group = "" } of rows) sizes.set(group, (sizes.get(group) ?? 0) + 1);
    assert.deepEqual([...new Set(sizes.values())], [2]);
    assert.equal(new Set(rows.map((row) => row.color)).size, 10);
    const tested = rows.filter((row) => row.split === "test");
    assert.equal(tested.length, 72);
    const groups = new Set(tested.map((row) => row.item_group_id));
    assert.ok(
      rows.every((row) => groups.has(row.item_group_id) === (row.split === "test")),
      "whole designs",
    );
    assert.equal(new Set(tested.map((row) => row.pattern)).size, 3);
  });

  it("has two photos a product, each a JPEG that the feed names", async () => {
    const rows = parse(await readFile(drawn.feed), { columns: true }) as Record<string, string>[];
    const named = rows.flatMap((row) => [row.image_link ?? "", ...(row.additional_image_link ?? "").split(",")]);
    assert.equal(named.length, drawn.photos);
    assert.deepEqual(
      named.map((file) => path.basename(file)).sort(),
      (await readdir(path.join(folder, "photos"))).sort(),
    );
    const { format, width, height } = await sharp(path.join(folder, named[0] ?? "")).metadata();
    assert.deepEqual({ format, width, height }, { format: "jpeg", width: 320, height: 320 });
  });

  it("is the same for the same seed, and another for another", async () => {
    const shape = PRODUCT_SHAPES[0];
    assert.ok(shape);
    const draw = (seed: number) =>
      drawPhoto(
        shape.draw,
        { proportions: [0.2, 0.4, 0.6], pattern: "stripes" },
        { main: "hsl(200 50% 50%)", dark: "hsl(200 50% 30%)", light: "hsl(200 30% 80%)" },
        "front",
        xoroshiro128plus(seed),
      );
    assert.deepEqual(await draw(1), await draw(1));
    assert.notDeepEqual(await draw(1), await draw(2));
  });
});
