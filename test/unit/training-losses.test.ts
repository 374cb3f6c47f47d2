import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { float32Tensor, GraphBuilder, int32Tensor, modelOf, type Value, writeModel } from "../../src/onnx/index.js";
import { type LossSpecification, lossOf } from "../../src/training/losses/index.js";
import { checkGradient } from "../support/check-gradient.js";

const EMBEDDINGS = [
  [0.9, 0.1, 0.2],
  [0.7, 0.6, -0.1],
  [0.1, 0.9, 0.3],
  [-0.2, 0.8, 0.5],
  [0.6, 0.5, 0.6],
  [0.3, -0.4, 0.9],
].map(unit);
const LABELS = [0, 0, 1, 1, 0, 2];
const MEMORY = [
  [0.5, 0.5, 0.1],
  [0, 1, 0],
  [1, 0, 0],
].map(unit);
const MEMORY_LABELS = [1, 0, -1];

function unit(vector: number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
const mean = (values: readonly number[]) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0);

interface Batch {
  readonly labels: readonly number[];
  readonly anchors?: readonly number[];
  readonly memory?: boolean;
}

/** The same losses by plain loops over anchors, straight from the papers. */
function expectedLoss(specification: LossSpecification, { labels, anchors, memory }: Batch): number {
  const candidates = memory ? [...EMBEDDINGS, ...MEMORY] : EMBEDDINGS;
  const candidateLabels = memory ? [...labels, ...MEMORY_LABELS] : labels;
  const rows = EMBEDDINGS.map((anchor, row) => {
    const ofKind = (same: boolean) =>
      candidates.flatMap((candidate, index) => {
        const label = candidateLabels[index] ?? -1;
        if (index === row || label < 0 || (label === labels[row]) !== same || anchors?.[row] === 0) return [];
        return [dot(anchor, candidate)];
      });
    return { positives: ofKind(true), negatives: ofKind(false) };
  });
  const complete = rows.filter(({ positives, negatives }) => positives.length && negatives.length);
  switch (specification.name) {
    case "triplet": {
      const { selection, margin, distance: name = "cosine" } = specification;
      const distance = (s: number) => (name === "cosine" ? 1 - s : Math.sqrt(Math.max(2 - 2 * s, 1e-12)));
      const penalty = (gap: number) => (margin === "soft" ? Math.log1p(Math.exp(gap)) : Math.max(0, gap + margin));
      const terms = complete.flatMap((row) => {
        const positives = row.positives.map(distance);
        const negatives = row.negatives.map(distance);
        if (selection === "batch-hard") return [penalty(Math.max(...positives) - Math.min(...negatives))];
        if (selection === "easy-positive") return [penalty(Math.min(...positives) - Math.min(...negatives))];
        if (selection === "batch-all") return positives.flatMap((p) => negatives.map((n) => penalty(p - n)));
        return positives.map((p) => {
          const beyond = negatives.filter((n) => n > p);
          return penalty(p - (beyond.length ? Math.min(...beyond) : Math.max(...negatives)));
        });
      });
      return mean(selection === "batch-all" && margin !== "soft" ? terms.filter((term) => term > 0) : terms);
    }
    case "multi-similarity":
      return mean(
        complete.map(({ positives, negatives }) => {
          const keptPositives = positives.filter((s) => s < Math.max(...negatives) + 0.1);
          const keptNegatives = negatives.filter((s) => s > Math.min(...positives) - 0.1);
          const pull = keptPositives.reduce((sum, s) => sum + Math.exp(-2 * (s - 0.5)), 0);
          const push = keptNegatives.reduce((sum, s) => sum + Math.exp(50 * (s - 0.5)), 0);
          return Math.log(1 + pull) / 2 + Math.log(1 + push) / 50;
        }),
      );
    case "info-nce":
      return mean(
        complete.map(({ positives, negatives }) => {
          const all = [...positives, ...negatives].reduce((sum, s) => sum + Math.exp(s / 0.1), 0);
          return mean(positives.map((s) => -Math.log(Math.exp(s / 0.1) / all)));
        }),
      );
  }
}

function build(
  specification: LossSpecification,
  { labels, anchors, memory }: Batch,
  embeddings: Value,
  graph: GraphBuilder,
) {
  return lossOf(specification)(
    {
      embeddings,
      labels: graph.constant(int32Tensor([labels.length], [...labels])),
      ...(anchors ? { anchors: graph.floats([anchors.length], anchors) } : {}),
      ...(memory
        ? {
            memory: {
              embeddings: graph.constant(float32Tensor([MEMORY.length, 3], MEMORY.flat())),
              labels: graph.constant(int32Tensor([MEMORY.length], MEMORY_LABELS)),
            },
          }
        : {}),
    },
    graph,
  );
}

async function computedLoss(specification: LossSpecification, batch: Batch) {
  const graph = new GraphBuilder();
  const outputs = build(specification, batch, graph.input("embeddings", "float32", [EMBEDDINGS.length, 3]), graph);
  graph.output(outputs.loss, "loss");
  graph.output(outputs.active, "active");
  const session = await InferenceSession.create(Buffer.from(writeModel(modelOf(graph.graph()))));
  const fed = new Tensor("float32", Float32Array.from(EMBEDDINGS.flat()), [EMBEDDINGS.length, 3]);
  const { loss, active } = await session.run({ embeddings: fed });
  await session.release();
  return { loss: Number(loss?.data[0]), active: Number(active?.data[0]) };
}

const specifications: readonly LossSpecification[] = [
  ...(["batch-all", "batch-hard", "semi-hard", "easy-positive"] as const).flatMap((selection) =>
    (["cosine", "euclidean"] as const).flatMap((distance) =>
      ([0.3, "soft"] as const).map((margin): LossSpecification => ({ name: "triplet", selection, margin, distance })),
    ),
  ),
  { name: "multi-similarity" },
  { name: "info-nce" },
];
const nameOf = (s: LossSpecification) => (s.name === "triplet" ? `${s.selection} ${s.margin} ${s.distance}` : s.name);

for (const specification of specifications) {
  describe(`loss ${nameOf(specification)}`, () => {
    const batches: Record<string, Batch> = {
      "a plain batch": { labels: LABELS },
      "injected positives take no turn as anchor": { labels: LABELS, anchors: [1, 0, 0, 1, 1, 1] },
      "a cross-batch memory with an empty slot": { labels: LABELS, memory: true },
    };
    for (const [name, batch] of Object.entries(batches)) {
      it(`equals plain loops on ${name}`, async () => {
        const expected = expectedLoss(specification, batch);
        assert.ok(expected > 0.01, "the sample has a loss");
        const { loss, active } = await computedLoss(specification, batch);
        assert.ok(Math.abs(loss - expected) < 1e-5, `${loss} is not ${expected}`);
        assert.ok(active >= 0 && active <= 1);
      });
    }

    it("is zero and not NaN on a batch of one label", async () => {
      assert.deepEqual(await computedLoss(specification, { labels: [3, 3, 3, 3, 3, 3] }), { loss: 0, active: 0 });
    });

    it("has the gradient of central differences, through unit length", async () => {
      await checkGradient({
        inputs: { x: [6, 3] },
        build: ([x], graph) => {
          const value = x as Value;
          const unitLength = graph.div(value, graph.reduceL2(value, [1]));
          return build(specification, { labels: LABELS, memory: true }, unitLength, graph).loss;
        },
      });
    });
  });
}
