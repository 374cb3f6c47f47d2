import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { BlobMissing } from "../../src/catalog/photos/blob-store.errors.js";
import { PhotoUnreadable } from "../../src/catalog/photos/photo-unreadable.error.js";
import { createEmbedder } from "../../src/embedding/index.js";
import { LookalikeError } from "../../src/errors.js";
import { learn } from "../../src/learning/learn.js";
import { CacheNotWritten, LearningCancelled, NotEnoughData, RecipeUnfit } from "../../src/learning/learning.errors.js";
import { openViewCache } from "../../src/learning/views/view-cache.js";
import { createLogger } from "../../src/logger.js";
import { tinyEncoder } from "../support/embedding-tiny-encoder.js";
import { drawnInput, drawnPattern, drawnSnapshot, keepingListener } from "../support/learning-drawn.js";

const running = () => new AbortController().signal;
const short = {
  steps: 60,
  headSteps: 30,
  views: 3,
  epochs: 3,
  dims: 16,
  hidden: [32],
  headRate: 3e-3,
  trunkRate: 3e-3,
};

describe("learning from drawn photos", () => {
  it("gets better than the encoder, tells what it does, and gives a model that serving loads", async () => {
    const input = await drawnInput({ overrides: { ...short, mining: true } });
    const { told, listener } = keepingListener();
    const result = await learn(input, listener, running());

    assert.equal(told.plans.length, 1);
    assert.equal(told.plans[0]?.recipe, "last-blocks");
    assert.match(told.plans[0]?.reason ?? "", /96 training photos of 4 labels on cpu/);
    assert.deepEqual(
      told.epochs.map(({ epoch }) => epoch),
      [1, 2, 3, 4, 5],
    );
    assert.deepEqual([...new Set(told.epochs.map(({ stage }) => stage))], ["head", "trunk"]);
    const trunk = told.epochs.filter(({ stage }) => stage === "trunk");
    assert.ok(trunk.at(-1)!.loss < trunk[0]!.loss, `${trunk.map(({ loss }) => loss)}`);
    assert.ok(trunk.at(-1)!.meanPositiveDistance! < trunk.at(-1)!.meanNegativeDistance!);
    const { validation, baseValidation } = result;
    assert.ok(
      validation!.meanAveragePrecision > baseValidation!.meanAveragePrecision + 0.1,
      `${baseValidation?.meanAveragePrecision} to ${validation?.meanAveragePrecision}`,
    );
    assert.deepEqual([...told.distributions.keys()], ["before", "after"]);
    assert.ok(told.distributions.get("after")!.overlap < told.distributions.get("before")!.overlap);
    assert.ok(told.triplets.length > 0);
    for (const { anchor, positive, negative } of told.triplets) {
      const label = (place: number) => input.snapshot.photos[place]!.labels[0];
      assert.equal(label(anchor), label(positive));
      assert.notEqual(label(anchor), label(negative));
    }
    assert.equal(told.checkpoints.length, told.epochs.length);
    for (const stage of ["caching", "head", "trunk", "export"]) assert.ok(told.stages.has(stage), stage);

    const modelPath = path.join(input.workFolder, "trained.onnx");
    await writeFile(modelPath, result.model);
    const manifest = { ...input.encoder.manifest, output: "embedding", pooling: "none", dims: result.dims } as const;
    const embedder = await createEmbedder({
      encoder: { manifest, modelPath, digest: "trained" },
      device: "cpu",
      logger: createLogger("silent"),
    });
    const photos = await Promise.all([drawnPattern(0, 900), drawnPattern(0, 901), drawnPattern(1, 902)]);
    const [a, b, c] = (await embedder.embed(photos)) as Float32Array[];
    await embedder.close();
    const cosine = (left: Float32Array, right: Float32Array) =>
      left.reduce((sum, value, at) => sum + value * right[at]!, 0);
    assert.equal(a!.length, 16);
    assert.ok(Math.abs(cosine(a!, a!) - 1) < 1e-4);
    assert.ok(cosine(a!, b!) > cosine(a!, c!), "photos of one pattern lie nearer than photos of two");
  });

  it("trains a head alone where the encoder names no cut, and says so under auto", async () => {
    const input = await drawnInput(
      { recipe: "auto", overrides: { dims: 16, hidden: [32], steps: 60 } },
      { encoder: await tinyEncoder() },
    );
    const { told, listener } = keepingListener();
    const result = await learn(input, listener, running());
    assert.equal(told.plans[0]?.recipe, "head");
    assert.match(told.plans[0]?.reason ?? "", /names no place to cut it/);
    assert.equal(result.dims, 16);
  });

  for (const recipe of ["growing", "seed", "full", "whitening"] as const) {
    it(`runs the recipe "${recipe}" to the end`, async () => {
      const overrides = recipe === "whitening" ? {} : { steps: 12, headSteps: 12, epochs: 2, dims: 16 };
      const { told, listener } = keepingListener();
      const result = await learn(await drawnInput({ recipe, overrides }), listener, running());
      assert.ok(result.model.length > 0);
      assert.ok(result.validation && Number.isFinite(result.validation.meanAveragePrecision));
      assert.equal(told.plans[0]?.recipe, recipe);
      assert.ok(told.distributions.has("after"));
    });
  }

  it("learns from views of the same photo where nobody says what is similar, and from two notions at once", async () => {
    const overrides = { ...short, steps: 12, headSteps: 12 };
    const snapshot = drawnSnapshot();
    const unlabelled = {
      ...snapshot,
      positives: [{ kind: "augmentation", weight: 1 }],
      photos: snapshot.photos.map((photo) => ({ ...photo, labels: [-1] })),
    } as const;
    const alone = keepingListener();
    const result = await learn(await drawnInput({ overrides }, { snapshot: unlabelled }), alone.listener, running());
    assert.deepEqual([...new Set(alone.told.epochs.map(({ stage }) => stage))], ["trunk"]);
    assert.equal(result.validation, undefined);
    assert.ok(alone.told.epochs.at(-1)!.loss < alone.told.epochs[0]!.loss);

    const both = {
      ...snapshot,
      positives: [
        { kind: "category", weight: 2 },
        { kind: "augmentation", weight: 1 },
      ],
      photos: snapshot.photos.map((photo) => ({ ...photo, labels: [...photo.labels, -1] })),
    } as const;
    const mixed = await learn(
      await drawnInput({ overrides }, { snapshot: both }),
      keepingListener().listener,
      running(),
    );
    assert.ok(mixed.validation);
  });

  it("averages over mirrored photos when the recipe says so", async () => {
    const overrides = { ...short, steps: 6, headSteps: 6, epochs: 1 };
    const plain = await learn(await drawnInput({ overrides }), keepingListener().listener, running());
    const flips = await learn(
      await drawnInput({ overrides: { ...overrides, flipAveraging: true } }),
      keepingListener().listener,
      running(),
    );
    assert.notDeepEqual(plain.model, flips.model);
    assert.deepEqual(plain.validation, flips.validation);
  });

  it("finds wrong labels, reports them and leaves them out", async () => {
    const snapshot = drawnSnapshot({ train: 40, wrong: 16 });
    const overrides = { ...short, steps: 80, epochs: 4 };
    const { told, listener } = keepingListener();
    await learn(await drawnInput({ overrides }, { snapshot }), listener, running());
    const wrong = told.suspects.filter(({ photo }) => snapshot.replacedLabels?.[String(photo)] !== undefined);
    assert.ok(wrong.length >= 4, `${wrong.length} of 16 found among ${told.suspects.length}`);
    assert.ok(told.guards.some(({ guard, action }) => guard === "label-noise" && /left out/.test(action)));
  });

  it("leaves unreadable and missing photos out", async () => {
    const input = await drawnInput({ overrides: { ...short, steps: 8, headSteps: 8 } });
    let broken = 0;
    const readPhoto = async (hash: string) => {
      if (hash.endsWith("3")) throw new BlobMissing(hash);
      if (!hash.endsWith("7")) return input.readPhoto(hash);
      broken += 1;
      return Buffer.from("no picture");
    };
    const result = await learn({ ...input, readPhoto }, keepingListener().listener, running());
    assert.ok(broken > 5);
    assert.ok(result.validation);
    const none = async () => {
      throw new PhotoUnreadable("PHOTO_DAMAGED", "nothing left");
    };
    const fresh = await drawnInput({ overrides: short }, { readPhoto: none });
    await assert.rejects(learn(fresh, keepingListener().listener, running()), NotEnoughData);
  });
});

describe("stopping and going on", () => {
  it("goes on from a checkpoint with the very same losses and the same model", async () => {
    const overrides = { ...short, mining: true };
    const whole = keepingListener();
    const expected = await learn(await drawnInput({ overrides }), whole.listener, running());

    // Stopped in the head, at the end of a trunk epoch, and within one; the work folder is lost in between.
    const losses = new Map<number, number>();
    let checkpoint: Uint8Array | undefined;
    const stops = [
      ({ stage }: { stage: string }) => stage === "head",
      ({ epoch }: { epoch?: number }) => epoch === 3,
      ({ stage }: { stage: string }) => stage === "trunk",
    ];
    for (const stop of stops) {
      const controller = new AbortController();
      const { told, listener } = keepingListener({
        async epoch(epoch) {
          losses.set(epoch.epoch, epoch.loss);
          if (stop === stops[1] && stop({ ...epoch })) controller.abort();
        },
        async progress({ stage, done }) {
          if (stop !== stops[1] && done > 0 && stop({ stage })) controller.abort();
        },
      });
      const input = await drawnInput({ overrides }, checkpoint ? { checkpoint } : {});
      await assert.rejects(learn(input, listener, controller.signal), LearningCancelled);
      checkpoint = told.checkpoints.at(-1)?.bytes;
      assert.ok(checkpoint);
    }
    assert.ok(checkpoint);
    const { told, listener } = keepingListener();
    const result = await learn(await drawnInput({ overrides }, { checkpoint }), listener, running());
    for (const { epoch, loss } of told.epochs) losses.set(epoch, loss);
    assert.deepEqual(
      [...losses].sort(([left], [right]) => left - right),
      whole.told.epochs.map(({ epoch, loss }) => [epoch, loss]),
    );
    assert.deepEqual(Buffer.from(result.model), Buffer.from(expected.model));
    assert.deepEqual(result.validation, expected.validation);
    const reason = told.plans[0]?.reason ?? "";
    assert.match(reason, /Goes on after step \d+, with [\d.]+ minutes left\.$/);
    assert.equal(reason.split("Goes on").length, 2, "and not what earlier attempts had left as well");
  });

  it("hears a signal while photos are prepared, and keeps those that are", async () => {
    const controller = new AbortController();
    const base = await drawnInput({ overrides: short });
    let reads = 0;
    const readPhoto = async (hash: string) => {
      reads += 1;
      if (reads === 60) controller.abort();
      return base.readPhoto(hash);
    };
    const input = { ...base, readPhoto };
    await assert.rejects(learn(input, keepingListener().listener, controller.signal), LearningCancelled);
    assert.ok(reads < 70, `${reads} photos were read`);
    const before = reads;
    await learn(input, keepingListener().listener, running());
    // Of 128 photos about 30 were there, besides those read for timing; the 96 for training are read once more for their other views.
    assert.ok(reads - before < 128 - 20 + 96 + 28, "photos of the first attempt were not prepared again");
  });

  it("refuses a checkpoint of another run", async () => {
    const { told, listener } = keepingListener();
    const overrides = { ...short, steps: 6, headSteps: 6, epochs: 1 };
    await learn(await drawnInput({ overrides }), listener, running());
    const checkpoint = told.checkpoints[0]!.bytes;
    const other = await drawnInput({ overrides, seed: 4 }, { checkpoint });
    await assert.rejects(learn(other, keepingListener().listener, running()), { code: "CHECKPOINT_MISMATCH" });
  });
});

describe("bad input", () => {
  class DiskFull extends LookalikeError {
    readonly code = "ARTEFACT_NOT_WRITTEN";
  }

  it("a checkpoint that cannot be written ends the run with that error", async () => {
    const { listener } = keepingListener({
      async checkpoint() {
        throw new DiskFull("No space left on device. Free some, then resume the run.");
      },
    });
    await assert.rejects(learn(await drawnInput({ overrides: short }), listener, running()), DiskFull);
  });

  it("a cache that does not fit on the disk is refused before anything is prepared", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "lookalike-cache-"));
    const values = [{ name: "map", length: 2 ** 40 }];
    const opening = openViewCache({ folder, identity: "x", values, viewsOf: Int32Array.of(4, 4) });
    await assert.rejects(opening, CacheNotWritten);
  });

  it("too few photos, one label, and an encoder that cannot be cut are named", async () => {
    const small = await drawnInput({}, { snapshot: drawnSnapshot({ train: 1, labels: 2, validation: 0 }) });
    await assert.rejects(learn(small, keepingListener().listener, running()), NotEnoughData);
    const single = await drawnInput({}, { snapshot: drawnSnapshot({ train: 20, labels: 1, validation: 0 }) });
    await assert.rejects(learn(single, keepingListener().listener, running()), NotEnoughData);
    const uncut = await drawnInput({}, { encoder: await tinyEncoder() });
    await assert.rejects(learn(uncut, keepingListener().listener, running()), RecipeUnfit);
  });
});
