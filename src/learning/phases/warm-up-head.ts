import type { UnitVectors } from "../../mining/index.js";
import { GraphBuilder } from "../../onnx/index.js";
import { createTrainer, type HeadSpecification, type Trainer } from "../../training/index.js";
import type { LearningMaterial } from "../plan/material.js";
import { samplerOf } from "../plan/open-workshop.js";
import type { PhaseSettings, Recipe } from "../recipes/recipe.type.js";
import type { ViewSource } from "../views/view-source.type.js";

/** The one value of an encoder that does nothing, and the name under which a head that reads it unpooled is fed. */
const VALUE = "same";
const FED = `${VALUE}:none`;

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
  const head: HeadSpecification = { ...recipe.head, features: [{ value: VALUE, pooling: "none" }] };
  const trainers: Trainer[] = [];
  for (const loss of phase.losses) {
    trainers.push(
      await createTrainer({
        encoder: { graph: featureGraph(features.dims), image: [features.dims] },
        cut: VALUE,
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
  const behindPrefix = (name: string) => name.slice(name.indexOf("/"));
  const values = new Map([...head].map(([name, weights]) => [behindPrefix(name), weights] as const));
  const weights = await to.weights();
  for (const { name, group } of to.trainables) {
    const warm = group === "head" && values.get(behindPrefix(name));
    if (warm) weights.set(name, warm);
  }
  await to.load(weights);
}

/** An encoder that is never run: the head is fed with what it would give. */
function featureGraph(width: number) {
  const builder = new GraphBuilder();
  const features = builder.input("features", "float32", ["batch", width]);
  builder.output(builder.relu(features), VALUE);
  return builder.graph();
}
