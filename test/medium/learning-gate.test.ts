import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import type { GateDecision, GateRequest } from "../../src/evaluation/index.js";
import { createJudgeCandidate } from "../../src/learning/gate/index.js";
import type { PositiveRule, Snapshot } from "../../src/learning/snapshot/snapshot.type.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

/** Products 1 … 40 to test by, 41 … 50 to validate, the rest to learn from. */
const photos = Array.from({ length: 100 }, (_, at) => ({
  imageId: String(1000 + at),
  productId: String(at + 1),
  blobId: String(at),
  contentHash: `hash-${at}`,
  split: at < 40 ? ("test" as const) : at < 50 ? ("validation" as const) : ("train" as const),
  labels: [0],
  duplicateGroup: -1,
}));

describeOnBothDatabases("judging a candidate as its run was meant", (open) => {
  let test: TestDatabase;
  let parentId: number;

  before(async () => {
    test = await open();
    const { database } = test;
    const vectors = createVectors({ database, logger: testLogger });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    parentId = (await models.ensureBase({ name: "test", digest: "a", dims: 6 })).id;
  });
  after(() => test.drop());

  /** A run whose snapshot was kept, or was not; and what the judge was asked, answering with these verdicts in turn. */
  async function judging(
    positives: readonly PositiveRule[],
    verdicts: readonly GateDecision["verdict"][],
    kept = true,
    rest: Partial<Snapshot> = {},
  ) {
    const runId = randomUUID();
    const snapshot: Partial<Snapshot> = { format: 1, positives, photos, ...rest };
    await test.database.query(
      `INSERT INTO training_run (id, request, encoder, parent_id, snapshot_key, snapshot_sha256)
       VALUES ($1::uuid, '{}', 'test', $2::int, $3, $4)`,
      [runId, parentId, kept ? `runs/${runId}/snapshot.json` : null, kept ? "abc" : null],
    );
    const asked: [number, number, GateRequest][] = [];
    const read: [string, string | undefined][] = [];
    const judgeCandidate = createJudgeCandidate({
      database: test.database,
      artefacts: {
        async read(key, sha256) {
          read.push([key, sha256]);
          return Buffer.from(JSON.stringify(snapshot));
        },
      },
      judge: {
        async judge(candidateId, liveId, request) {
          asked.push([candidateId, liveId, request]);
          return { verdict: verdicts[asked.length - 1], clusters: 0 } as GateDecision;
        },
      },
    });
    const decide = () =>
      judgeCandidate({ modelId: 7, runId, request: {} }, 3, new AbortController().signal).then(
        ({ verdict }) => verdict,
      );
    return { runId, asked, read, decide };
  }

  it("asks by the first notion, about what the snapshot kept aside", async () => {
    const { runId, asked, read, decide } = await judging(
      [
        { kind: "attribute:colour", weight: 1 },
        { kind: "category", weight: 5 },
      ],
      ["BETTER"],
    );
    assert.equal(await decide(), "BETTER");
    assert.deepEqual(read, [[`runs/${runId}/snapshot.json`, "abc"]]);
    assert.equal(asked.length, 1);
    const [candidateId, liveId, request] = asked[0]!;
    assert.deepEqual([candidateId, liveId, request.labels, request.gallery], [7, 3, "attribute:colour", "train"]);
    assert.deepEqual([request.heldOut!.asked.size, request.heldOut!.aside.size], [40, 50]);
    assert.ok(request.heldOut!.asked.has(40n) && !request.heldOut!.asked.has(41n));
  });

  it("looks for photos of one product, and for variants, among everything", async () => {
    for (const kind of ["product", "group"] as const) {
      const { asked, decide } = await judging([{ kind, weight: 1 }], ["NOT_BETTER"]);
      assert.equal(await decide(), "NOT_BETTER");
      assert.deepEqual([asked[0]![2].labels, asked[0]![2].gallery], [kind, "all"]);
    }
  });

  it("judges a run without labels by those that the catalog happens to have", async () => {
    const rules: PositiveRule[] = [{ kind: "augmentation", weight: 1 }];
    const few = "TOO_FEW_QUERIES";
    const { asked, decide } = await judging(rules, [few, few, "NOT_BETTER"]);
    assert.equal(await decide(), "NOT_BETTER");
    assert.deepEqual(
      asked.map(([, , { labels }]) => labels),
      ["category", "category", "group"],
    );
    const none = await judging(
      rules,
      Array.from({ length: 6 }, () => few),
    );
    assert.equal(await none.decide(), few);
    assert.equal(none.asked.length, 6);
  });

  it("asks the validation products too where those of the test are too few", async () => {
    const { asked, decide } = await judging([{ kind: "category", weight: 1 }], ["TOO_FEW_QUERIES", "BETTER"]);
    assert.equal(await decide(), "BETTER");
    assert.deepEqual(
      asked.map(([, , { heldOut }]) => heldOut!.asked.size),
      [40, 50],
    );
  });

  it("asks about labels that the run did not select too, and tells them apart", async () => {
    const notSelected = [
      { productId: "201", split: "test" as const },
      { productId: "202", split: "validation" as const },
      { productId: "203", split: "train" as const },
    ];
    const labelNames = [["Home > Mugs", "Home > Lamps"]];
    const { asked, decide } = await judging([{ kind: "category", weight: 1 }], ["BETTER"], true, {
      notSelected,
      labelNames,
    });
    await decide();
    const { heldOut, learned } = asked[0]![2];
    assert.ok(heldOut!.asked.has(201n) && heldOut!.aside.has(202n) && !heldOut!.aside.has(203n));
    assert.deepEqual([...learned!], labelNames[0]);
    const all = await judging([{ kind: "category", weight: 1 }], ["BETTER"], true, { labelNames });
    await all.decide();
    assert.equal(all.asked[0]![2].learned, undefined, "it learned from all");
  });

  it("cannot judge without the snapshot, and says what to do", async () => {
    const { decide } = await judging([{ kind: "category", weight: 1 }], [], false);
    await assert.rejects(decide(), {
      code: "ARTEFACT_MISSING",
      message: /Promote it by hand with force, or train again/,
    });
  });
});
