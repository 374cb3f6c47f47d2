import type { InferenceSession } from "onnxruntime-node";
import pLimit from "p-limit";
import { float32Tensor, float32Values, modelOf, type Tensor, writeModel } from "../onnx/index.js";
import { checkBatch, fillMemory } from "./batch-check.js";
import { fillDropoutMask } from "./dropout-mask.js";
import { checkHead, type FeatureStatistics } from "./heads/index.js";
import { exportGraph, inverseDeviation, TAIL, tailGraph, trunkGraph } from "./inference-graph.js";
import {
  averageInto,
  clipToNorm,
  createFlatMemory,
  createOptimiser,
  globalNorm,
  rateShare,
} from "./optimisers/index.js";
import { layOutParameters, setFirstWeights } from "./parameters.js";
import { createPhotoFeeds } from "./photo-feeds.js";
import { planBatch } from "./plan-batch.js";
import { prepareEncoder } from "./prepare-encoder.js";
import { copiesOf, estimateResidency } from "./residency.js";
import { floats, floatsOf, integers, openSession } from "./runtime-session.js";
import { openStepSession } from "./step-session.js";
import type { Trainer, TrainerOptions, WeightChoice } from "./trainer.type.js";
import { checkState, copyOfState } from "./trainer-state.js";
import { MemoryTooSmall, StateMismatch, TrainingDiverged, TrainingUnfit } from "./training.errors.js";
import { buildTrainingGraph, STEP } from "./training-graph.js";

/**
 * Fine-tunes an encoder: builds its training step as a graph, opens it in ONNX Runtime and keeps weights and optimiser.
 * Knows no files and no database. One call at a time runs; others wait for it. `run()` of the runtime blocks the event
 * loop, so that a trainer belongs into a process of its own.
 * @throws CutUnknown, NothingToTrain, GraphNotTrainable, TrainingUnfit, WeightsNotFinite, BatchUnusable, and what
 * reading a graph throws
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const { head, batch, memory = 0, seed = 1, schedule } = options;
  const cuts = typeof options.cut === "string" ? [options.cut] : options.cut;
  checkHead(head);
  const encoder = await prepareEncoder(
    options.encoder,
    cuts,
    head.features.map(({ value }) => value),
  );
  const training = await buildTrainingGraph({ encoder, cuts, head, loss: options.loss, batch, memory, seed });
  const { width, dims, boundary, trainables } = training;
  const space = layOutParameters(trainables);
  const copies = copiesOf(options.optimiser, options.averaging !== undefined);
  const flat = createFlatMemory(space.length, 2 + copies);
  const [weights, gradient] = [flat.array(), flat.array()];
  setFirstWeights(weights, trainables, space);
  const average = options.averaging === undefined ? undefined : flat.array();
  average?.set(weights);
  const optimiser = createOptimiser(options.optimiser, flat, space.segments);
  const fullRate =
    typeof options.learningRate === "number"
      ? { head: options.learningRate, trunk: options.learningRate }
      : options.learningRate;

  const stepGraph = options.lower ? await options.lower(training.graph) : training.graph;
  const trained = new Set(trainables.map(({ name }) => name));
  const residency = estimateResidency(stepGraph, trained, copies);
  if (options.memoryBudget !== undefined && residency.total > options.memoryBudget) {
    const { memoryBudget } = options;
    const fits = await planBatch({ ...options, memoryBudget }).then(
      (plan) => plan.batch,
      () => undefined,
    );
    throw new MemoryTooSmall(memoryBudget, residency.total, batch, fits);
  }
  const stepSession = await openStepSession(stepGraph, space, weights, gradient, options);
  const frozen = trunkGraph(encoder, training);
  const trunkSession = frozen && (await openSession(frozen, options));
  const image = encoder.graph.inputs[0];
  if (image === undefined) throw new TrainingUnfit("The encoder has no input.");
  const photoFeeds = createPhotoFeeds(image, boundary, trunkSession, batch);

  const mask = new Float32Array(head.dropout ? batch * width : 0);
  const allAnchors = new Float32Array(batch).fill(1);
  let statistics: FeatureStatistics | undefined;
  let steps = 0;
  /** Weights as constants are several times faster where no gradient is wanted; they go stale with every step. */
  let tail: { readonly session: InferenceSession; readonly choice: WeightChoice } | undefined;
  const oneAtATime = pLimit(1);

  const chosen = (choice: WeightChoice): Float32Array => {
    if (choice === "current") return weights;
    if (average) return average;
    throw new TrainingUnfit("This trainer keeps no average of its weights. Set averaging, to .995 for example.");
  };
  const tuned = (choice: WeightChoice) => {
    const values = chosen(choice);
    const tensors = space.parameters.map(({ name, shape, from, to }): [string, Tensor] => [
      name,
      float32Tensor(shape, values.slice(from, to)),
    ]);
    return { head, headPrefix: encoder.headPrefix, weights: new Map(tensors), statistics };
  };
  const dropTail = async () => {
    const stale = tail;
    tail = undefined;
    await stale?.session.release();
  };
  const tailFor = async (choice: WeightChoice): Promise<InferenceSession> => {
    if (tail?.choice !== choice) {
      await dropTail();
      tail = { session: await openSession(tailGraph(training, tuned(choice)), options), choice };
    }
    return tail.session;
  };
  const throughTail = async (photos: Parameters<Trainer["embed"]>[0], choice: WeightChoice, output: string) => {
    const count = photoFeeds.count(photos);
    const values = await photoFeeds.boundary(photos);
    const session = await tailFor(choice);
    const length = output === TAIL.embedding ? dims : width;
    const results = new Float32Array(count * length);
    for (let first = 0; first < count; first += batch) {
      const part = floatsOf((await session.run(photoFeeds.feeds(values, first, batch), [output]))[output], output);
      results.set(part.subarray(0, Math.min(batch, count - first) * length), first * length);
    }
    return results;
  };
  const standardFeeds = () => ({
    [STEP.mean]: floats(statistics?.mean ?? new Float32Array(width), [width]),
    [STEP.inverseDeviation]: floats(float32Values(inverseDeviation(statistics, width)), [width]),
  });

  return {
    boundary,
    dims,
    width,
    residency,
    trainables: trainables.map(({ name, group, tensor }) => ({ name, group, shape: tensor.shape })),
    step: (photos, givenLabels, given = {}) =>
      oneAtATime(async () => {
        const labels = Int32Array.from(givenLabels);
        const anchors = given.anchors ? Float32Array.from(given.anchors) : allAnchors;
        const slots = fillMemory(given.memory, memory, dims);
        checkBatch(labels, anchors, slots.labels, batch, photoFeeds.count(photos));
        fillDropoutMask(mask, head.dropout ?? 0, seed, steps);
        const { loss, active, embeddings } = await stepSession.run({
          ...photoFeeds.feeds(await photoFeeds.boundary(photos), 0, batch),
          [STEP.labels]: integers(labels),
          [STEP.anchors]: floats(anchors, [batch]),
          ...(memory > 0 && {
            [STEP.memoryEmbeddings]: floats(slots.embeddings, [memory, dims]),
            [STEP.memoryLabels]: integers(slots.labels),
          }),
          ...(mask.length > 0 && { [STEP.mask]: floats(mask, [batch, width]) }),
          ...(head.standardise && standardFeeds()),
        });
        const gradientNorm = globalNorm(flat, gradient);
        if (!Number.isFinite(loss)) throw new TrainingDiverged(steps + 1, "the loss");
        if (!Number.isFinite(gradientNorm)) throw new TrainingDiverged(steps + 1, "the gradient");
        if (options.clipNorm !== undefined) clipToNorm(flat, gradient, gradientNorm, options.clipNorm);
        const share = rateShare(steps, schedule);
        const learningRate = { head: fullRate.head * share, trunk: fullRate.trunk * share };
        optimiser.step(weights, gradient, learningRate);
        if (average) averageInto(flat, average, weights, options.averaging ?? 0, steps);
        steps++;
        await dropTail();
        return { step: steps, loss, active, gradientNorm, learningRate, embeddings };
      }),
    trunk: (images) => oneAtATime(() => photoFeeds.boundary({ images })),
    embed: (photos, choice = "current") => oneAtATime(() => throughTail(photos, choice, TAIL.embedding)),
    features: (photos) => oneAtATime(() => throughTail(photos, tail?.choice ?? "current", TAIL.features)),
    standardise(given) {
      if (!head.standardise) throw new TrainingUnfit("The head does not standardise. Set standardise in its recipe.");
      if (given.mean.length !== width || given.deviation.length !== width) {
        throw new TrainingUnfit(`Statistics of ${given.mean.length} features were given; the head sees ${width}.`);
      }
      statistics = { mean: given.mean.slice(), deviation: given.deviation.slice() };
      void oneAtATime(dropTail);
    },
    weights(choice = "current") {
      const values = chosen(choice);
      return new Map(space.parameters.map(({ name, from, to }) => [name, values.slice(from, to)]));
    },
    load(given) {
      for (const [name, values] of given) {
        const parameter = space.parameters.find((known) => known.name === name);
        if (parameter === undefined || parameter.to - parameter.from !== values.length) {
          throw new TrainingUnfit(
            `No weight "${name}" of ${values.length} numbers is in training. Load only weights of the same head and cut.`,
          );
        }
      }
      for (const { name, from } of space.parameters) weights.set(given.get(name) ?? [], from);
      average?.set(weights);
      void oneAtATime(dropTail);
    },
    state: () => copyOfState({ steps, space, weights, average, optimiser, statistics, name: options.optimiser.name }),
    restore(state) {
      checkState(state, space, options.optimiser.name, average !== undefined);
      try {
        optimiser.restore(state.optimiser);
      } catch (error) {
        throw error instanceof RangeError ? new StateMismatch(error.message) : error;
      }
      weights.set(state.weights);
      average?.set(state.average ?? state.weights);
      statistics = state.statistics ?? undefined;
      steps = state.steps;
      void oneAtATime(dropTail);
    },
    export: (choice = "current") => oneAtATime(async () => writeModel(modelOf(exportGraph(encoder, tuned(choice))))),
    dispose: () =>
      oneAtATime(async () => {
        await dropTail();
        await stepSession.dispose();
        await trunkSession?.release();
      }),
  };
}
