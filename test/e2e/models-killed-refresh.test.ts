import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Core } from "../../src/compose.js";
import { startChild } from "../support/child.js";
import { describeOnBothDatabases } from "../support/database.js";
import { drawFeed } from "../support/drawn-feed.js";
import { openShop, type TestShop, untilIdle } from "../support/shop.js";
import { trainModel } from "../support/trained-models.js";

/** Of each of the 24 drawn products: enough that a refresh lasts longer than the test needs to meet it. */
const COPIES = 12;

describeOnBothDatabases("a worker that is killed while it refreshes a model", (_open, kind) => {
  let shop: TestShop;
  let core: Core;
  let folder: string;

  before(async () => {
    // A child of the embedded database's own process needs its folder, which the shop hosts.
    shop = await openShop(kind);
    core = shop.core;
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-killed-refresh-"));
    const feed = await drawFeed(folder, COPIES);
    await core.catalogImport.run({ source: "drawn", location: feed.file });
    const worker = startChild("child-worker-shop", JSON.stringify(core.config));
    await worker.saw((message) => message === "ready");
    await untilIdle(core);
    worker.send("stop");
    await worker.ended;
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await shop.close();
  });

  test("leaves what it made, and the next one makes the rest; shoppers see one model throughout", async () => {
    const active = await core.models.active();
    const { done: total } = await core.vectors.countPhotos(core.database, active.id);
    const { model } = await trainModel(core);
    const made = async () => (await core.vectors.countPhotos(core.database, model.id)).done;

    const kills: number[] = [];
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const from = await made();
      const worker = startChild("child-worker-shop", JSON.stringify(core.config));
      await worker.saw((message) => message === "ready");
      // In the middle: the job is taken, and on the embedded database some vectors are written.
      for (;;) {
        const { active } = (await core.queue.counts())["refresh-model"];
        if ((active > 0 && kind === "postgres") || (await made()) > from || from === total) break;
        await delay(20);
      }
      await delay(100);
      await worker.kill();
      kills.push(await made());
      const page = await core.similar.toProduct("prod_1", { first: 5 });
      assert.equal(page.modelId, active.id);
      assert.equal(page.items.length, 5);
    }
    assert.deepEqual(
      [...kills].sort((a, b) => a - b),
      kills,
    );

    const worker = startChild("child-worker-shop", JSON.stringify(core.config));
    await worker.saw((message) => message === "ready");
    await untilIdle(core);
    worker.send("stop");
    await worker.ended;
    assert.equal(await made(), total);
    assert.deepEqual(await core.vectors.findGaps(core.database, model.id, active.id), { photos: 0, products: 0 });
    assert.equal((await core.listModels([model.id]))[0]!.refreshedAt instanceof Date, true);
    await core.promotion.promote(model.id, { force: true });
    assert.equal((await core.similar.toProduct("prod_1", { first: 5 })).modelId, model.id);
  });
});
