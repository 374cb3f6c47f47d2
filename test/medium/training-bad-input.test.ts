import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { LookalikeError } from "../../src/errors.js";
import {
  attribute,
  float32Tensor,
  type Graph,
  GraphBuilder,
  modelOf,
  readModelFile,
  tensorFromNumbers,
  writeModelFile,
} from "../../src/onnx/index.js";
import { createTrainer, type Trainer, type TrainerOptions } from "../../src/training/index.js";
import { smallRecipe } from "../support/small-recipe.js";

/** image → Conv "trunk" → something → "features" */
function encoder(
  between: (x: ReturnType<GraphBuilder["relu"]>, g: GraphBuilder) => ReturnType<GraphBuilder["relu"]> = (x, g) =>
    g.relu(x),
  first = 0.3,
): Graph {
  const g = new GraphBuilder({ name: "small" });
  const image = g.input("image", "float32", ["batch", 3, 4, 4]);
  const filters = Float32Array.from({ length: 12 }, (_, index) => (index === 0 ? first : Math.sin(index)));
  const x = g.conv(image, g.initialiser("filters", float32Tensor([4, 3, 1, 1], filters)), undefined, { name: "trunk" });
  g.output(g.globalAveragePool(between(x, g), "features"));
  return g.graph();
}

function foreign(): Graph {
  const graph = encoder((x, g) => g.node("Relu", [x], {}, "odd"));
  return {
    ...graph,
    otherOpsets: new Map([["shop.example", 1]]),
    nodes: graph.nodes.map((node) =>
      node.name === "odd" ? { ...node, operator: "Fold", domain: "shop.example" } : node,
    ),
  };
}

const recipe = (changes: Partial<TrainerOptions> = {}): TrainerOptions => ({ ...smallRecipe(encoder()), ...changes });

const noHead = { features: [{ value: "features", pooling: "average" as const }], layers: { kind: "none" as const } };
const branch = (name: string): Graph => {
  const g = new GraphBuilder({ name });
  g.output(g.scalar(1), "branch");
  return g.graph();
};

const refused: Readonly<Record<string, readonly [code: string, remedy: RegExp, options: () => TrainerOptions]>> = {
  "dynamic control flow": [
    "ONNX_DYNAMIC_CONTROL_FLOW",
    /Export it again by tracing/,
    () =>
      recipe({
        encoder: {
          graph: encoder((x, g) =>
            g.node(
              "If",
              [g.constant(tensorFromNumbers("bool", [], [1]))],
              {
                then_branch: { kind: "graph", value: branch("yes") },
                else_branch: { kind: "graph", value: branch("no") },
              },
              { outputTypes: [x.type] },
            ),
          ),
        },
      }),
  ],
  "weights quantised to int8": [
    "ONNX_QUANTISED_GRAPH",
    /Use the fp32 or fp16 file/,
    () =>
      recipe({
        encoder: {
          graph: encoder((x, g) => {
            const narrow = g.constant(tensorFromNumbers("int8", [4, 1, 1], [1, 2, 3, 4]));
            const wide = g.node(
              "DequantizeLinear",
              [narrow, g.scalar(0.1)],
              {},
              {
                outputTypes: [{ elementType: "float32", shape: [4, 1, 1] }],
              },
            );
            return g.mul(x, wide);
          }),
        },
      }),
  ],
  "a cut that does not exist": ["CUT_UNKNOWN", /Closest: trunk/, () => recipe({ cut: "trunc" })],
  "a feature that does not exist": [
    "TRAINING_UNFIT",
    /Closest: features/,
    () => recipe({ head: { ...noHead, features: [{ value: "feature", pooling: "average" }] } }),
  ],
  "a pooling that does not fit": [
    "TRAINING_UNFIT",
    /needs tokens of three axes/,
    () => recipe({ head: { ...noHead, features: [{ value: "features", pooling: "cls" }] } }),
  ],
  "no feature at all": ["TRAINING_UNFIT", /name at least one/, () => recipe({ head: { ...noHead, features: [] } })],
  "dropout of everything": ["TRAINING_UNFIT", /from 0 to below 1/, () => recipe({ head: { ...noHead, dropout: 1 } })],
  "a learning rate that is no number": [
    "TRAINING_UNFIT",
    /learning rate \(head\) is NaN; it must be a number from 0 on/,
    () => recipe({ learningRate: { head: Number.NaN, trunk: 0.1 } }),
  ],
  "an average that keeps more than all": ["TRAINING_UNFIT", /from 0 to below 1/, () => recipe({ averaging: 1.5 })],
  "clipping to nothing": ["TRAINING_UNFIT", /clipNorm is 0; it must be above 0/, () => recipe({ clipNorm: 0 })],
  "a margin that is no number": [
    "TRAINING_UNFIT",
    /margin of the loss is NaN/,
    () => recipe({ loss: { name: "triplet", selection: "batch-all", margin: Number.NaN } }),
  ],
  "a momentum below zero": [
    "TRAINING_UNFIT",
    /momentum of the optimiser is -1/,
    () => recipe({ optimiser: { name: "sgd", momentum: -1 } }),
  ],
  "no cut": ["TRAINING_UNFIT", /cut is empty; it must be the name of a value/, () => recipe({ cut: [] })],
  "a batch of one": ["BATCH_UNUSABLE", /Use 2 or more/, () => recipe({ batch: 1 })],
  "nothing to train": ["NOTHING_TO_TRAIN", /Cut earlier, or add a head/, () => recipe({ cut: "trunk", head: noHead })],
  "weights that are no numbers": [
    "WEIGHTS_NOT_FINITE",
    /"filters".*download or export the model again/s,
    () => recipe({ encoder: { graph: encoder(undefined, Number.NaN) } }),
  ],
  "an operator without a gradient": [
    "GRAPH_NOT_TRAINABLE",
    /^Hardmax \(node "odd", reached by Conv "trunk"\).*docs\/training-engine\.md#add-a-rule/s,
    () => recipe({ encoder: { graph: encoder((x, g) => g.node("Hardmax", [x], { axis: attribute.int(1) }, "odd")) } }),
  ],
  "an operator of another set, behind the cut": [
    "GRAPH_NOT_TRAINABLE",
    /^shop\.example\.Fold \(node "odd", reached by Conv "trunk"\).*Choose a later cut/s,
    () => recipe({ encoder: { graph: foreign() } }),
  ],
  "an operator of another set, with no weight before it": [
    "GRAPH_NOT_TRAINABLE",
    /^shop\.example\.Fold \(node "odd", reached by /,
    () => recipe({ encoder: { graph: foreign() }, cut: "trunk" }),
  ],
  "an operator of another set, in the frozen part": [
    "ONNX_SHAPE_UNKNOWN",
    /shop\.example\.Fold; export with the standard operators/,
    () => recipe({ encoder: { graph: foreign() }, cut: "odd" }),
  ],
  "a picture size that is left open": [
    "TRAINING_UNFIT",
    /image: \[3, 224, 224\]/,
    () => {
      const graph = encoder();
      const shape = ["batch", 3, "height", "width"];
      return recipe({
        encoder: { graph: { ...graph, inputs: [{ name: "image", type: { elementType: "float32", shape } }] } },
      });
    },
  ],
};

const isError = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LookalikeError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

describe("a training that cannot be is refused before it begins", () => {
  for (const [title, [code, message, options]] of Object.entries(refused)) {
    it(title, async () => {
      // Building such a graph may be refused as well.
      await assert.rejects(async () => createTrainer(options()), isError(code, message));
    });
  }

  it("external data that is missing", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "lookalike-training-"));
    const file = path.join(folder, "model.onnx");
    await writeModelFile(modelOf(encoder()), file, { externalDataFrom: 1 });
    await rm(path.join(folder, "model.onnx.data"));
    await assert.rejects(readModelFile(file), isError("ONNX_EXTERNAL_DATA_UNAVAILABLE", /Put that file beside/));
    await rm(folder, { recursive: true });
  });
});

describe("a step that cannot be leaves the weights as they are", () => {
  const pictures = Float32Array.from({ length: 4 * 48 }, (_, index) => Math.sin(index * 1.7));
  const steps: Readonly<
    Record<string, readonly [code: string, remedy: RegExp, run: (trainer: Trainer) => Promise<unknown>]>
  > = {
    "one label alone": ["BATCH_UNUSABLE", /Mix labels/, (t) => t.step({ images: pictures }, [7, 7, 7, 7])],
    "no second photo of any label": [
      "BATCH_UNUSABLE",
      /at least two/,
      (t) => t.step({ images: pictures }, [0, 1, 2, 3]),
    ],
    "no second photo of an anchor's label": [
      "BATCH_UNUSABLE",
      /at least two/,
      (t) => t.step({ images: pictures }, [0, 0, 1, 2], { anchors: [0, 0, 1, 1] }),
    ],
    "too few labels": ["BATCH_UNUSABLE", /4 photos, 3 labels/, (t) => t.step({ images: pictures }, [0, 0, 1])],
    "too few photos": [
      "BATCH_UNUSABLE",
      /3 photos, 4 labels/,
      (t) => t.step({ images: pictures.subarray(48) }, [0, 0, 1, 1]),
    ],
    "half a photo": ["BATCH_UNUSABLE", /no multiple/, (t) => t.step({ images: pictures.subarray(24) }, [0, 0, 1, 1])],
    "a label below zero": ["BATCH_UNUSABLE", /from 0 on/, (t) => t.step({ images: pictures }, [0, 0, -1, 1])],
    "a boundary value that is missing": [
      "BATCH_UNUSABLE",
      /"image" is missing/,
      (t) => t.step({ boundary: { picture: pictures } }, [0, 0, 1, 1]),
    ],
    "a memory that was not asked for": [
      "BATCH_UNUSABLE",
      /0 slots/,
      (t) => t.step({ images: pictures }, [0, 0, 1, 1], { memory: { embeddings: Float32Array.of(1, 0), labels: [1] } }),
    ],
    "pictures that are no numbers": [
      "TRAINING_DIVERGED",
      /last checkpoint/,
      (t) => t.step({ images: pictures.map((value, index) => (index === 50 ? Number.NaN : value)) }, [0, 0, 1, 1]),
    ],
    "statistics for a head without": [
      "TRAINING_UNFIT",
      /Set standardise/,
      async (t) => t.standardise({ mean: new Float32Array(4), deviation: new Float32Array(4) }),
    ],
    "an average that is not kept": [
      "TRAINING_UNFIT",
      /Set averaging/,
      (t) => t.embed({ images: pictures }, "averaged"),
    ],
    "weights of another head": [
      "TRAINING_UNFIT",
      /same head and cut/,
      async (t) => t.load(new Map([["head/0/weight", new Float32Array(9)]])),
    ],
    "a state of another optimiser": [
      "TRAINING_STATE_MISMATCH",
      /its optimiser is adamw/,
      async (t) => t.restore({ ...(await t.state()), optimiser: { ...(await t.state()).optimiser, name: "adamw" } }),
    ],
    "a state of other weights": [
      "TRAINING_STATE_MISMATCH",
      /its weight 0 is other/,
      async (t) => t.restore({ ...(await t.state()), parameters: [{ name: "other", shape: [1] }] }),
    ],
    "a state with half an optimiser": [
      "TRAINING_STATE_MISMATCH",
      /velocity/,
      async (t) => t.restore({ ...(await t.state()), optimiser: { ...(await t.state()).optimiser, arrays: {} } }),
    ],
  };
  for (const [title, [code, message, run]] of Object.entries(steps)) {
    it(title, async () => {
      const trainer = await createTrainer(recipe());
      await trainer.step({ images: pictures }, [0, 0, 1, 1]);
      const before = await trainer.state();
      await assert.rejects(async () => run(trainer), isError(code, message));
      assert.deepEqual(await trainer.state(), before);
      await trainer.dispose();
    });
  }
});

describe("what a step compares with", () => {
  const pictures = Float32Array.from({ length: 4 * 48 }, (_, index) => Math.sin(index * 1.7));

  it("a memory makes negatives for a batch of one label; empty slots count for nothing", async () => {
    const trainer = await createTrainer(recipe({ memory: 3, learningRate: 0 }));
    const memory = { embeddings: Float32Array.of(0.6, 0.8), labels: [5] };
    const { loss } = await trainer.step({ images: pictures }, [0, 0, 0, 0], { memory });
    assert.ok(Number.isFinite(loss));
    const alone = await trainer.step({ images: pictures }, [0, 0, 1, 1]);
    const plain = await createTrainer(recipe({ learningRate: 0 }));
    assert.equal(alone.loss, (await plain.step({ images: pictures }, [0, 0, 1, 1])).loss);
    await Promise.all([trainer.dispose(), plain.dispose()]);
  });

  it("photos that are no anchors change the loss and stay comparable", async () => {
    const trainer = await createTrainer(recipe({ learningRate: 0 }));
    const all = await trainer.step({ images: pictures }, [0, 0, 1, 1]);
    const some = await trainer.step({ images: pictures }, [0, 0, 1, 1], { anchors: [1, 0, 0, 0] });
    assert.notEqual(some.loss, all.loss);
    assert.deepEqual(some.embeddings, all.embeddings);
    await trainer.dispose();
  });
});
