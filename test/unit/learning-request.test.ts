import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { formatPositive, readPositives, toTrainingRequest } from "../../src/learning/runs/training-request.js";

describe("what a training is asked to learn from", () => {
  it("is read from a command line: kinds, with weights", () => {
    assert.deepEqual(readPositives("category"), [{ kind: "category", weight: 1 }]);
    assert.deepEqual(readPositives(" Category = 3 , attribute:Farbe: außen=0.5,GROUP"), [
      { kind: "category", weight: 3 },
      { kind: "attribute:Farbe: außen", weight: 0.5 },
      { kind: "group", weight: 1 },
    ]);
    assert.equal(readPositives("attribute:a,product").map(formatPositive).join(), "attribute:a,product");
    assert.equal(formatPositive({ kind: "group", weight: 2 }), "group=2");
    for (const wrong of ["", "colour", "category:x", "attribute:", "attribute", "category,,group", "category=x"]) {
      assert.throws(() => readPositives(wrong), { code: "BAD_USER_INPUT" }, wrong);
    }
  });

  it("has defaults, and limits that name the field", () => {
    assert.deepEqual(toTrainingRequest({}), {
      positives: [{ kind: "category", weight: 1 }],
      ...{ recipe: "auto", budgetMinutes: 10, seed: 1, device: "auto" },
    });
    const refused = (wishes: Parameters<typeof toTrainingRequest>[0], ...field: string[]) =>
      assert.throws(() => toTrainingRequest(wishes), { code: "BAD_USER_INPUT", field });
    refused({ seed: 1.5 }, "seed");
    refused({ seed: 2 ** 31 }, "seed");
    refused({ budgetMinutes: Number.NaN }, "budgetMinutes");
    refused({ labelNoise: 1 }, "labelNoise");
    refused({ positives: [{ kind: "category", weight: Number.POSITIVE_INFINITY }] }, "positives", "0", "weight");
    refused({ onlyLabels: ["x".repeat(501)] }, "onlyLabels", "0");
    refused({ positives: [{ kind: "augmentation", weight: 1 }], onlyLabels: ["Boots"] }, "onlyLabels");
    refused({ positives: [{ kind: "augmentation", weight: 1 }], excludeLabels: ["Boots"] }, "excludeLabels");
  });
});

describe("a trainer that nobody started", () => {
  it("says how to train instead", () => {
    const script = fileURLToPath(new URL("../../src/main-trainer.js", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8", timeout: 30_000 });
    assert.deepEqual([status, stderr], [1, "A trainer is started by a worker. To train, run: lookalike train\n"]);
  });
});
