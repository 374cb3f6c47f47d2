import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createSnapshotBuilder, type Snapshot, type SnapshotRequest } from "../../src/learning/snapshot/index.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, drawCatalog, loadCatalog, type RandomProduct, unit } from "../support/random-catalog.js";

/** Longer than a sketch, so that vectors are sketched. */
const DIMS = 160;
const byCategory: SnapshotRequest = { seed: 5, positives: [{ kind: "category", weight: 1 }] };

/** Two products whose photos are one shot saved twice, and one that is near but not the same. */
const SHOT = [1001n, 1002n] as const;
const NEAR = 1003n;

function withLookAlikes(products: RandomProduct[]): RandomProduct[] {
  const random = createRandom(77);
  const shot = random.vector(DIMS);
  const moved = (by: number) => {
    const noise = random.vector(DIMS);
    return unit(shot.map((value, at) => value + by * noise[at]!));
  };
  const [model] = products;
  const twins = ([...SHOT, NEAR] as const).map((id, at): RandomProduct => {
    const { group: _, ...rest } = model!;
    return {
      ...rest,
      id,
      source: "north",
      externalId: `twin-${id}`,
      category: ["bags"],
      status: "ACTIVE",
      deleted: false,
      photos: [{ id: 5000n + id, blobId: 5000n + id, vector: at === 0 ? shot : moved(at === 1 ? 0.05 : 0.5) }],
    };
  });
  return [...products, ...twins];
}

describeOnBothDatabases("a snapshot", (open) => {
  let test: TestDatabase;
  let catalog: RandomProduct[];
  let build: (request: SnapshotRequest) => Promise<Snapshot>;
  const set = (assignment: string, where = "true") =>
    test.database.query(`UPDATE product SET ${assignment} WHERE ${where}`);

  before(async () => {
    test = await open();
    const { database } = test;
    const vectors = createVectors({ database, logger: testLogger });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    const { id } = await models.ensureBase({ name: "test", digest: "a", dims: DIMS });
    const builder = createSnapshotBuilder({ database, vectors });
    build = (request) => builder.build(request, id);
    await assert.rejects(build(byCategory), { code: "NOT_ENOUGH_DATA", message: /there are 0: 8 more needed/ });
    catalog = withLookAlikes(drawCatalog(31, 500, DIMS));
    await loadCatalog(database, vectors, id, catalog);
    await set("split = NULL");
  });
  after(() => test.drop());

  const active = () => catalog.filter(({ status, deleted }) => status === "ACTIVE" && !deleted);

  it("holds the embedded photos of active products once a product, labelled by every rule", async () => {
    const snapshot = await build({
      seed: 1,
      positives: [
        { kind: "category", weight: 2 },
        { kind: "group", weight: 1 },
        { kind: "attribute:color", weight: 1 },
        { kind: "product", weight: 1 },
        { kind: "augmentation", weight: 1 },
      ],
    });
    const labelled = active().flatMap((product) => {
      const { category, source, group, attributes, id, photos } = product;
      const shown = photos.filter(
        (photo, at) => photo.vector && photos.findIndex(({ blobId }) => blobId === photo.blobId) === at,
      );
      return shown.map((photo) => ({
        imageId: String(photo.id),
        productId: String(id),
        blobId: String(photo.blobId),
        contentHash: `hash-${photo.blobId}`,
        labels: [
          category.join(" > ") || undefined,
          group && `${source} > ${group}`,
          [...(attributes.color ?? [])].sort().join(" > ") || undefined,
          `prod_${id}`,
          String(photo.id),
        ],
      }));
    });
    const order = (left: { imageId: string }, right: { imageId: string }) =>
      Number(left.imageId) - Number(right.imageId);
    const found = snapshot.photos.map(({ split: _, duplicateGroup: __, labels, ...photo }) => ({
      ...photo,
      labels: labels.map((label, rule) => (label < 0 ? undefined : snapshot.labelNames[rule]![label])),
    }));
    assert.deepEqual(found.sort(order), labelled.sort(order));
    const withoutVector = active().flatMap(({ photos }) => photos.filter(({ vector }) => !vector)).length;
    assert.ok(withoutVector > 0);
    assert.equal(snapshot.leftOut["not embedded yet"], withoutVector);
    for (const names of snapshot.labelNames) assert.deepEqual(names, [...new Set(names)].sort());
  });

  it("leaves out and counts photos without any label", async () => {
    const { photos, leftOut } = await build(byCategory);
    assert.ok(photos.every(({ labels }) => labels[0]! >= 0));
    const without = active()
      .filter(({ category }) => category.length === 0)
      .flatMap(({ photos: own }) => own);
    assert.equal(leftOut["no label"], without.length);
    const { photos: all } = await build({ ...byCategory, needsLabels: false });
    assert.ok(all.some(({ labels }) => labels[0] === -1));
  });

  it("is the same for the same catalog and request, and another for another seed", async () => {
    const noisy = { ...byCategory, labelNoise: 0.2 };
    assert.deepEqual(await build(noisy), await build(noisy));
    const [one, other] = [await build(byCategory), await build({ ...byCategory, seed: 6 })];
    assert.deepEqual(
      one.photos.map(({ imageId }) => imageId),
      other.photos.map(({ imageId }) => imageId),
    );
    assert.notDeepEqual(
      one.photos.map(({ split }) => split),
      other.photos.map(({ split }) => split),
    );
  });

  it("keeps photos of one product, group, content or shot in one split, about 80 : 10 : 10", async () => {
    const shares = { train: 0, validation: 0, test: 0 };
    for (let seed = 1; seed <= 12; seed++) {
      const { photos } = await build({ ...byCategory, seed });
      const splits = new Map<string, string>();
      const together = (key: string, split: string) => {
        assert.equal(splits.get(key) ?? split, split, key);
        splits.set(key, split);
      };
      for (const { productId, blobId, duplicateGroup, split } of photos) {
        const { source, group } = catalog.find(({ id }) => String(id) === productId)!;
        together(`product ${productId}`, split);
        together(`content ${blobId}`, split);
        if (group !== undefined) together(`group ${source} ${group}`, split);
        if (duplicateGroup >= 0) together(`shot ${duplicateGroup}`, split);
        shares[split] += 1 / photos.length / 12;
      }
    }
    assert.ok(Math.abs(shares.train - 0.8) < 0.08, JSON.stringify(shares));
    assert.ok(Math.abs(shares.validation - 0.1) < 0.05 && Math.abs(shares.test - 0.1) < 0.05, JSON.stringify(shares));
  });

  it("knows a shot saved twice, and content that several products show, from one that is only near", async () => {
    const { photos } = await build(byCategory);
    const groupOf = (product: bigint) => photos.find(({ productId }) => productId === String(product))!.duplicateGroup;
    assert.ok(groupOf(SHOT[0]) >= 0);
    assert.equal(groupOf(SHOT[1]), groupOf(SHOT[0]));
    assert.equal(groupOf(NEAR), -1);
    const times = new Map<string, number>();
    for (const { blobId } of photos) times.set(blobId, (times.get(blobId) ?? 0) + 1);
    for (const { blobId, duplicateGroup, productId } of photos) {
      if (SHOT.some((id) => String(id) === productId)) continue;
      assert.equal(duplicateGroup >= 0, times.get(blobId)! > 1);
    }
  });

  it("keeps to the catalog's own splits, and holds out what looks like a held-out photo", async () => {
    await set(
      "split = (CASE id % 4 WHEN 0 THEN 'TEST' WHEN 1 THEN 'VALIDATION' ELSE 'TRAIN' END)::split, group_key = NULL",
    );
    await set("split = 'TEST'", `id = ${SHOT[1]}`);
    await set("split = 'TRAIN'", `id = ${SHOT[0]}`);
    const { photos, leftOut } = await build(byCategory);
    const shared = new Set(
      photos.filter(({ duplicateGroup }) => duplicateGroup >= 0).map(({ productId }) => productId),
    );
    for (const { productId, split } of photos) {
      const own = [BigInt(SHOT[1])].includes(BigInt(productId))
        ? "test"
        : ["test", "validation", "train", "train"][Number(BigInt(productId) % 4n)]!;
      if (shared.has(productId)) {
        // Never less held out than the catalog says.
        if (own !== "train") assert.notEqual(split, "train", productId);
      } else assert.equal(split, own, productId);
    }
    assert.equal(photos.find(({ productId }) => productId === String(SHOT[0]))!.split, "test");
    assert.ok(leftOut["held out from training, since what they look like or belong to is"]! >= 1);
  });

  it("lets a tenth of the training products validate when the catalog names none", async () => {
    await set("split = (CASE WHEN id % 5 = 0 THEN 'TEST' ELSE 'TRAIN' END)::split");
    const { photos } = await build(byCategory);
    const count = (split: string) => photos.filter((photo) => photo.split === split).length;
    assert.ok(count("validation") > 0.03 * photos.length && count("validation") < 0.2 * photos.length);
    const shared = new Set(
      photos.filter(({ duplicateGroup }) => duplicateGroup >= 0).map(({ productId }) => productId),
    );
    for (const { split, productId } of photos) {
      if (!shared.has(productId)) assert.equal(split === "test", BigInt(productId) % 5n === 0n);
    }
    await set("split = NULL");
  });

  it("lets a tenth of the training products test when the catalog names none and leaves none without a split", async () => {
    const shares = async () => {
      const mean = { test: 0, validation: 0 };
      for (let seed = 1; seed <= 8; seed += 1) {
        const { photos } = await build({ ...byCategory, seed });
        for (const { split } of photos) if (split !== "train") mean[split] += 1 / photos.length / 8;
      }
      return mean;
    };
    await set("split = (CASE WHEN id % 5 = 0 THEN 'VALIDATION' ELSE 'TRAIN' END)::split");
    const all = await shares();
    assert.ok(all.test > 0.04 && all.test < 0.14, JSON.stringify(all));
    assert.ok(all.validation > 0.1 && all.validation < 0.35, JSON.stringify(all));
    await set("split = 'TRAIN'");
    const one = await shares();
    assert.ok(one.test > 0.03 && one.validation > 0.03 && one.test + one.validation < 0.35, JSON.stringify(one));
    // Where some have no split, those are drawn from.
    await set("split = (CASE WHEN id % 2 = 0 THEN 'TRAIN' END)::split");
    const { photos } = await build(byCategory);
    const named = photos.filter(({ productId, split, duplicateGroup }) => {
      return BigInt(productId) % 2n === 0n && duplicateGroup < 0 && split === "test";
    });
    assert.ok(photos.some(({ split }) => split === "test"));
    assert.ok(named.length < 0.02 * photos.length, `${named.length} of those named to train`);
    await set("split = NULL");
  });

  it("takes the labels asked for, by path or by its last part", async () => {
    const only = await build({ ...byCategory, onlyLabels: ["chelsea", "bags", "shoes > boots"] });
    assert.deepEqual(only.labelNames, [["bags", "shoes > boots", "shoes > boots > chelsea"]]);
    assert.ok(only.photos.every(({ labels }) => labels[0]! >= 0));
    const all = await build(byCategory);
    assert.equal(all.notSelected, undefined);
    const splitOf = new Map(all.photos.map(({ productId, split }) => [productId, split]));
    assert.ok(only.notSelected!.some(({ split }) => split === "test"));
    for (const { productId, split } of [...only.photos, ...only.notSelected!]) {
      assert.equal(split, splitOf.get(productId) ?? split, "a product's split does not depend on what is selected");
    }
    const products = new Set([...only.photos, ...only.notSelected!].map(({ productId }) => productId));
    assert.ok([...splitOf.keys()].every((productId) => products.has(productId)));
    const without = await build({ ...byCategory, excludeLabels: ["bags"] });
    assert.deepEqual(
      without.labelNames[0],
      all.labelNames[0]!.filter((name) => name !== "bags"),
    );
    const counted = ({ photos, leftOut }: Snapshot) =>
      photos.length + leftOut["not embedded yet"]! + (leftOut["label not selected"] ?? 0);
    assert.equal(counted(without), counted(all));
    assert.ok(without.leftOut["label not selected"]! > 0);
    const wrong: [Partial<SnapshotRequest>, RegExp][] = [
      [{ onlyLabels: ["slippers"] }, /There is no label "slippers"/],
      [{ positives: [] }, /at least one/],
      [{ positives: [{ kind: "category", weight: 0 }] }, /above 0/],
      [
        {
          positives: [
            { kind: "group", weight: 1 },
            { kind: "group", weight: 2 },
          ],
        },
        /twice/,
      ],
      [{ positives: [{ kind: "augmentation", weight: 1 }], onlyLabels: ["bags"] }, /first of the positives/],
      [{ labelNoise: 1.5 }, /labelNoise/],
    ];
    for (const [request, message] of wrong) {
      await assert.rejects(build({ ...byCategory, ...request }), { code: "BAD_USER_INPUT", message });
    }
  });

  it("replaces as many training labels as asked, remembers them, and shuffles on request", async () => {
    const clean = await build(byCategory);
    const train = clean.photos.filter(({ split }) => split === "train").length;
    const noisy = await build({ ...byCategory, labelNoise: 0.1 });
    const replaced = Object.entries(noisy.replacedLabels!);
    assert.equal(replaced.length, Math.round(0.1 * train));
    for (const [place, label] of replaced) {
      assert.equal(clean.photos[Number(place)]!.labels[0], label);
      assert.notEqual(noisy.photos[Number(place)]!.labels[0], label);
      assert.equal(noisy.photos[Number(place)]!.split, "train");
    }
    const kept = (snapshot: Snapshot) =>
      snapshot.photos.map(({ labels }, at) => (noisy.replacedLabels![at] === undefined ? labels : []));
    assert.deepEqual(kept(noisy), kept(clean));

    const shuffled = await build({ ...byCategory, shuffleLabels: true });
    const labelsOf = (snapshot: Snapshot, training: boolean) =>
      snapshot.photos.filter(({ split }) => (split === "train") === training).map(({ labels }) => labels[0]!);
    assert.deepEqual(labelsOf(shuffled, false), labelsOf(clean, false));
    assert.notDeepEqual(labelsOf(shuffled, true), labelsOf(clean, true));
    assert.deepEqual(labelsOf(shuffled, true).sort(), labelsOf(clean, true).sort());
  });

  it("says what is missing when there is too little", async () => {
    const refused = (request: Partial<SnapshotRequest>, message: RegExp) =>
      assert.rejects(build({ ...byCategory, ...request }), { code: "NOT_ENOUGH_DATA", message });
    await refused(
      { onlyLabels: ["bags"] },
      /2 labels with 2 training photos each at least; there is 1 .*1 more needed/,
    );
    await refused(
      { positives: [{ kind: "attribute:material", weight: 1 }] },
      /there are 0 .*2 more needed.*"material"/,
    );
    await set("category_path = '{}'");
    await refused({}, /there are 0 among 0 training photos.*2 more needed.*categories.*without a label/s);
    await build({ ...byCategory, positives: [{ kind: "augmentation", weight: 1 }] });
    await set("status = 'DRAFT'", `id NOT IN (${SHOT.join()})`);
    await refused(
      { positives: [{ kind: "augmentation", weight: 1 }] },
      /8 training photos at least; there (are|is) \d.*: [678] more needed/s,
    );
    await set("status = 'DRAFT'");
    await refused({ positives: [{ kind: "product", weight: 1 }] }, /there are 0: 8 more needed/);
  });
});
