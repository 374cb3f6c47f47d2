import type { UnitVectors } from "../../mining/index.js";
import { float32Tensor, GraphBuilder } from "../../onnx/index.js";
import { createTrainer, type HeadSpecification, type Trainer } from "../../training/index.js";
import type { LearningMaterial } from "../plan/material.js";
import { samplerOf } from "../plan/open-workshop.js";
import type { PhaseSettings, Recipe } from "../recipes/recipe.type.js";
import type { ViewSource } from "../views/view-source.type.js";

const INPUT = "features";
/** Name under which a head that reads `INPUT` unpooled is fed. */
const FED = `${INPUT}:none`;

/** Training of a head alone, on joined features in memory: a step takes milliseconds, because no photo is touched. */
export interface HeadWarmUp {
  readonly trainers: readonly [Trainer, ...Trainer[]];
  readonly source: ViewSource;
  readonly sampler: ReturnType<typeof samplerOf>;
  close(): Promise<void>;
}

export interface HeadWarmUpOptions {
  readonly recipe: Recipe;
  readonly phase: PhaseSettings;
  readonly material: LearningMaterial;
  /** Joined features `[rows, width]`; the source's places are their rows. */
  readonly features: UnitVectors;
  readonly seed: number;
  readonly threads: number | undefined;
}

export async function openHeadWarmUp(options: HeadWarmUpOptions): Promise<HeadWarmUp> {
  const { recipe, phase, material, features, seed, threads } = options;
  const sampler = samplerOf({ mining: undefined, views: 1 }, phase, material, seed);
  const head: HeadSpecification = { ...recipe.head, features: [{ value: INPUT, pooling: "none" }] };
  const trainers: Trainer[] = [];
  for (const loss of phase.losses) {
    trainers.push(
      await createTrainer({
        encoder: { graph: featureGraph(features.dims), image: [features.dims] },
        cut: INPUT,
        head,
        loss,
        optimiser: recipe.optimiser,
        learningRate: phase.learningRate,
        clipNorm: recipe.clipNorm,
        averaging: recipe.averaging,
        batch: sampler.size,
        seed,
        device: "cpu",
        ...(threads !== undefined && { threads }),
      }),
    );
  }
  const [first, ...others] = trainers;
  if (first === undefined) throw new RangeError("a phase names one loss at least");
  const { dims } = features;
  return {
    trainers: [first, ...others],
    sampler,
    source: {
      async batch(places) {
        const rows = new Float32Array(places.length * dims);
        for (let row = 0; row < places.length; row++) {
          const from = places[row]! * dims;
          rows.set(features.data.subarray(from, from + dims), row * dims);
        }
        return { [FED]: rows };
      },
    },
    async close() {
      for (const one of trainers) await one.dispose();
    },
  };
}

/** Gives a warmed-up head to the trainer of the next phase, whose head may have another prefix. */
export async function handOver(head: ReadonlyMap<string, Float32Array>, to: Trainer): Promise<void> {
  const names = to.trainables.filter(({ group }) => group === "head").map(({ name }) => name);
  const weights = await to.weights();
  for (const [index, values] of [...head.values()].entries()) weights.set(names[index] ?? "", values);
  await to.load(weights);
}

/** An encoder that gives what it is fed. */
function featureGraph(width: number) {
  const builder = new GraphBuilder();
  const features = builder.input(INPUT, "float32", ["batch", width]);
  builder.output(builder.add(features, builder.initialiser("nothing", float32Tensor([1], [0]))), "same");
  return builder.graph();
}
