import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LookalikeError } from "../../src/errors.js";
import { float32Tensor, type Graph, GraphBuilder, tensorFromNumbers, type Value } from "../../src/onnx/index.js";
import { createTrainer, type Photos, type Trainer, type TrainerOptions } from "../../src/training/index.js";
import { smallRecipe } from "../support/small-recipe.js";

type Between = (x: Value, g: GraphBuilder) => Value;

function encoder(between: Between, batch: string | number = "batch", pixels: "float32" | "float16" = "float32"): Graph {
  const g = new GraphBuilder({ name: "small" });
  const image = g.input("image", pixels, [batch, 3, 4, 4]);
  const filters = Float32Array.from({ length: 12 }, (_, index) => Math.sin(index + 1));
  const floats = pixels === "float32" ? image : g.cast(image, "float32");
  const x = g.conv(floats, g.initialiser("filters", float32Tensor([4, 3, 1, 1], filters)), undefined, {
    name: "trunk",
  });
  g.output(g.identity(between(x, g), "features"));
  return g.graph();
}

/** Settings as JavaScript and files hold them, whatever the types say. */
function recipe(changes: Readonly<Record<string, unknown>> = {}): TrainerOptions {
  return { ...smallRecipe(encoder((x, g) => g.relu(x))), ...changes } as TrainerOptions;
}

const vectors = { features: [{ value: "features", pooling: "none" }], layers: { kind: "linear", dims: 2 } };
const byHand: Between = (x, g) => {
  const narrow = g.initialiser(
    "narrow",
    tensorFromNumbers(
      "int8",
      [4, 4, 1, 1],
      Array.from({ length: 16 }, (_, index) => index - 8),
    ),
  );
  return g.conv(x, g.mul(g.cast(narrow, "float32"), 0.05));
};

const triplet = { name: "triplet", selection: "batch-all", margin: 0.2 };
const options: Readonly<Record<string, readonly [message: RegExp, changes: Readonly<Record<string, unknown>>]>> = {
  "a loss that does not exist": [
    /name of the loss is nope.*info-nce, multi-similarity, triplet/,
    { loss: { name: "nope" } },
  ],
  "an optimiser that does not exist": [/name of the optimiser is adam;.*adamw, sgd/, { optimiser: { name: "adam" } }],
  "a selection that does not exist": [/batch-hard/, { loss: { ...triplet, selection: "hardest" } }],
  "a distance that does not exist": [/cosine, euclidean/, { loss: { ...triplet, distance: "manhattan" } }],
  "a margin in words": [/or "soft"/, { loss: { ...triplet, margin: "hard" } }],
  "no margin": [/margin of the loss is undefined/, { loss: { name: "triplet", selection: "batch-all" } }],
  "a device that does not exist": [/cpu, cuda, webgpu/, { device: "tpu" }],
  "a pooling that does not exist": [
    /mean-tokens/,
    { head: { ...vectors, features: [{ value: "features", pooling: "median" }] } },
  ],
  "layers that do not exist": [/linear, mlp, none/, { head: { ...vectors, layers: { kind: "conv", dims: 3 } } }],
  "a momentum in words": [/momentum of the optimiser is 0.9/, { optimiser: { name: "sgd", momentum: "0.9" } }],
  "a rate for one group only": [/\(trunk\) is undefined/, { learningRate: { head: 0.1 } }],
  "no rate": [/\(head\) is undefined/, { learningRate: undefined }],
  "a first moment that never moves": [/beta1.*below 1/, { optimiser: { name: "adamw", beta1: 1 } }],
  "a second moment that never moves": [/beta2.*below 1/, { optimiser: { name: "adamw", beta2: 1 } }],
  "an epsilon of nothing": [/epsilon.*above 0/, { optimiser: { name: "adamw", epsilon: 0 } }],
  "a sharpness of nothing": [/alpha.*above 0/, { loss: { name: "multi-similarity", alpha: 0 } }],
  "a setting that does not exist": [/trainer has no setting "clipnorm"\..*clipNorm/, { clipnorm: 5 }],
  "a setting of another loss": [
    /loss has no setting "margin"\..*alpha, beta/,
    { loss: { name: "multi-similarity", margin: 0.2 } },
  ],
  "a setting of another optimiser": [
    /optimiser has no setting "momentum"\..*beta1/,
    { optimiser: { name: "adamw", momentum: 0.9 } },
  ],
  "a setting of other layers": [
    /layer stack has no setting "hidden"/,
    { head: { ...vectors, layers: { kind: "linear", dims: 2, hidden: [4] } } },
  ],
  "a schedule misspelt": [/schedule has no setting "warmupSteps"\..*warmUpSteps/, { schedule: { warmupSteps: 20 } }],
  "half a thread": [/threads is 1.5/, { threads: 1.5 }],
  "pictures of half precision": [
    /images as float16/,
    { encoder: { graph: encoder((x, g) => g.relu(x), "batch", "float16") } },
  ],
  "an encoder for one photo that joins the rows of a batch": [
    /"features" is \[1, 256\] for a batch of 4.*batch axis open/,
    { encoder: { graph: encoder((x, g) => g.reshape(x, [1, -1]), 1) }, head: vectors },
  ],
  "a feature whose first axis is as long as the batch": [
    /"features" is \[4, .*whatever the batch/,
    { encoder: { graph: encoder((x, g) => g.transpose(g.globalAveragePool(x), [1, 0, 2, 3])) } },
  ],
};

const isError = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LookalikeError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

describe("options that no compiler saw", () => {
  for (const [title, [message, changes]] of Object.entries(options)) {
    it(title, () => assert.rejects(createTrainer(recipe(changes)), isError("TRAINING_UNFIT", message)));
  }

  it("weights quantised by hand", () =>
    assert.rejects(
      createTrainer(recipe({ encoder: { graph: encoder(byHand) } })),
      isError("ONNX_QUANTISED_GRAPH", /Cast.*fp32 or fp16/),
    ));
});

describe("calls that would ruin the weights", () => {
  const images = Float32Array.from({ length: 4 * 48 }, (_, index) => Math.sin(index * 1.7));
  const labels = [0, 0, 1, 1];
  const calls: Readonly<
    Record<string, readonly [code: string, message: RegExp, run: (t: Trainer) => Promise<unknown>]>
  > = {
    "a rate share that is no number": [
      "BATCH_UNUSABLE",
      /rateShare of NaN/,
      (t) => t.step({ images }, labels, { rateShare: Number.NaN }),
    ],
    "a rate share below zero": [
      "BATCH_UNUSABLE",
      /rateShare of -1/,
      (t) => t.step({ images }, labels, { rateShare: -1 }),
    ],
    "photos as plain numbers": [
      "BATCH_UNUSABLE",
      /"images" are no Float32Array/,
      (t) => t.step({ images: [...images] as unknown as Float32Array }, labels),
    ],
    "no photos": ["BATCH_UNUSABLE", /No photos/, (t) => t.step(undefined as unknown as Photos, labels)],
    "photos of another name": [
      "BATCH_UNUSABLE",
      /No photos/,
      (t) => t.embed({ pictures: images } as unknown as Photos),
    ],
    "boundary values as plain numbers": [
      "BATCH_UNUSABLE",
      /"image" are no Float32Array/,
      (t) => t.features({ boundary: { image: [...images] } } as unknown as Photos),
    ],
    "no labels": ["BATCH_UNUSABLE", /Labels are given/, (t) => t.step({ images }, undefined as unknown as number[])],
    "half a label": ["BATCH_UNUSABLE", /Label 1 is 0.5/, (t) => t.step({ images }, [0, 0.5, 1, 1])],
    "a label beyond 32 bits": [
      "BATCH_UNUSABLE",
      /Label 1 is 4294967296/,
      (t) => t.step({ images }, [0, 2 ** 32, 1, 1]),
    ],
    "an anchor of 5": ["BATCH_UNUSABLE", /anchor 5/, (t) => t.step({ images }, labels, { anchors: [5, 1, 1, 1] })],
    "weights that are no numbers": [
      "WEIGHTS_NOT_FINITE",
      /head\/0\/bias/,
      (t) => t.load(new Map([["head/0/bias", Float32Array.of(0, Number.NaN)]])),
    ],
    "a short average": [
      "TRAINING_STATE_MISMATCH",
      /holds 3 numbers/,
      async (t) => t.restore({ ...(await t.state()), average: new Float32Array(3) }),
    ],
    "a state of no numbers": [
      "TRAINING_STATE_MISMATCH",
      /no numbers/,
      async (t) => t.restore({ ...(await t.state()), weights: (await t.state()).weights.fill(Number.NaN) }),
    ],
    "statistics of another head": [
      "TRAINING_STATE_MISMATCH",
      /standardises 9 features, not 4/,
      async (t) =>
        t.restore({
          ...(await t.state()),
          statistics: { mean: new Float32Array(9), deviation: new Float32Array(9) },
        }),
    ],
  };
  for (const [title, [code, message, run]] of Object.entries(calls)) {
    it(title, async () => {
      const trainer = await createTrainer(recipe({ averaging: 0.9 }));
      const before = await trainer.state();
      await assert.rejects(async () => run(trainer), isError(code, message));
      assert.deepEqual(await trainer.state(), before);
      await trainer.dispose();
    });
  }

  it("a trainer that was disposed of says so, and may be disposed of again", async () => {
    const trainer = await createTrainer(recipe({ cut: "trunk" }));
    await trainer.embed({ images });
    const underWay = trainer.step({ images }, labels);
    await Promise.all([trainer.dispose(), trainer.dispose()]);
    assert.ok(Number.isFinite((await underWay).loss));
    const gone = isError("TRAINER_DISPOSED", /Create another one/);
    await assert.rejects(trainer.step({ images }, labels), gone);
    await assert.rejects(trainer.embed({ images }), gone);
    await assert.rejects(trainer.export(), gone);
  });
});
