import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PhotoUnreadable } from "../../src/catalog/photos/photo-unreadable.error.js";
import { usualAugmentation } from "../../src/learning/views/draw-view.js";
import { startViewLanes } from "../../src/learning/views/view-lanes.js";
import { createViewMaker } from "../../src/learning/views/view-maker.js";
import { drawnEncoder, drawnPattern } from "../support/learning-drawn.js";

const settings = async () => ({
  preprocessing: (await drawnEncoder()).manifest.preprocessing,
  maxPixels: 1e6,
  augmentation: usualAugmentation,
  values: ["pixels"],
});

describe("threads that prepare views", () => {
  it("give what the maker gives, from any thread", async () => {
    const given = await settings();
    const photo = await drawnPattern(2, 5);
    const expected: number[] = [];
    await createViewMaker(given).each({ photo, seed: 8, views: [0, 4] }, async (input) => void expected.push(...input));
    const lanes = await startViewLanes({ ...given, half: false }, 2);
    const rows = await Promise.all([1, 2, 3, 4].map(() => lanes.prepare({ photo, seed: 8, views: [0, 4] })));
    await lanes.close();
    for (const one of rows) assert.deepEqual([...one], expected);
  });

  it("name a photo that cannot be read and go on with the next", async () => {
    const lanes = await startViewLanes({ ...(await settings()), half: true }, 1);
    await assert.rejects(lanes.prepare({ photo: Buffer.from("nothing"), seed: 1, views: [0] }), PhotoUnreadable);
    const rows = await lanes.prepare({ photo: await drawnPattern(0, 1), seed: 1, views: [0] });
    assert.ok(rows instanceof Uint16Array && rows.length === 3 * 32 * 32);
    await lanes.close();
  });

  it("say so when a model cannot be loaded, and end", async () => {
    const starting = startViewLanes({ ...(await settings()), trunk: new Uint8Array(10), half: true }, 1);
    await assert.rejects(starting);
  });
});
