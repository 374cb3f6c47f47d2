import pLimit from "p-limit";
import { float32Tensor, float32Values, modelOf, type Tensor, writeModel } from "../onnx/index.js";
import { checkBatch, fillMemory, labelsOf } from "./batch-check.js";
import { checkOptions } from "./check-options.js";
import { openDeviceStep } from "./device-step.js";
import { fillDropoutMask } from "./dropout-mask.js";
import { openTried } from "./dry-run.js";
import { checkHead, type FeatureStatistics } from "./heads/index.js";
import { openHostStep } from "./host-step.js";
import { exportGraph, inverseDeviation, TAIL, tailGraph, trunkGraph } from "./inference-graph.js";
import { loweringFor } from "./lowering-for-device.js";
import { createFlatMemory, createOptimiser, rateShare } from "./optimisers/index.js";
import { layOutParameters, setFirstWeights } from "./parameters.js";
import { createPhotoFeeds } from "./photo-feeds.js";
import { planBatch } from "./plan-batch.js";
import { prepareEncoder } from "./prepare-encoder.js";
import { copiesOf, estimateResidency } from "./residency.js";
import { floats, integers } from "./runtime-session.js";
import { createTailRunner } from "./tail-runner.js";
import type { Trainer, TrainerOptions, WeightChoice } from "./trainer.type.js";
import { checkState, checkWeights, copyOfState, restoreOptimiser } from "./trainer-state.js";
import { BatchUnusable, MemoryTooSmall, TrainerDisposed, TrainingDiverged, TrainingUnfit } from "./training.errors.js";
import { buildTrainingGraph, STEP } from "./training-graph.js";

/**
 * Fine-tunes an encoder: builds its training step as a graph, opens it in ONNX Runtime and keeps weights and optimiser.
 * Knows no files and no database. One call at a time runs; others wait for it. `run()` of the runtime blocks the event
 * loop, so that a trainer belongs into a process of its own.
 * @throws CutUnknown, NothingToTrain, GraphNotTrainable, TrainingUnfit, WeightsNotFinite, BatchUnusable,
 * MemoryTooSmall, DeviceUnavailable, DeviceCannotRun, and what reading a graph throws
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const { head, batch, memory = 0, seed = 1, schedule } = options;
  const cuts = typeof options.cut === "string" ? [options.cut] : options.cut;
  checkHead(head);
  checkOptions(options);
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
  const weights = flat.array();
  setFirstWeights(weights, trainables, space);
  const average = options.averaging === undefined ? undefined : flat.array();
  average?.set(weights);
  const optimiser = createOptimiser(options.optimiser, flat, space.segments);
  const fullRate =
    typeof options.learningRate === "number"
      ? { head: options.learningRate, trunk: options.learningRate }
      : options.learningRate;

  const lower = await loweringFor(options);
  const stepGraph = await lower(training.graph);
  const trained = new Set(trainables.map(({ name }) => name));
  const frozen = trunkGraph(encoder, training);
  const residency = estimateResidency(stepGraph, trained, copies, { encoder: encoder.graph, trunk: frozen });
  if (options.memoryBudget !== undefined && residency.total > options.memoryBudget) {
    const { memoryBudget } = options;
    const fits = await planBatch({ ...options, memoryBudget }).then(
      (plan) => plan.batch,
      () => undefined,
    );
    throw new MemoryTooSmall(memoryBudget, residency.total, batch, fits);
  }
  const inGraph = options.optimiserIn ?? (options.device === "webgpu" ? "graph" : "host");
  const openStep = inGraph === "graph" ? openDeviceStep : openHostStep;
  const { optimiser: specification, clipNorm, averaging } = options;
  const engine = await openStep(
    stepGraph,
    { flat, weights, average, optimiser },
    { space, batch, optimiser: specification, clipNorm, averaging },
    options,
  );
  const trunkSession =
    frozen &&
    (await openTried(frozen, options, batch).catch(async (error: unknown) => {
      await engine.dispose();
      throw error;
    }));
  const image = encoder.graph.inputs[0];
  if (image === undefined) throw new TrainingUnfit("The encoder has no input.");
  const photoFeeds = createPhotoFeeds(image, boundary, trunkSession, batch);

  const mask = new Float32Array(head.dropout ? batch * width : 0);
  const allAnchors = new Float32Array(batch).fill(1);
  let statistics: FeatureStatistics | undefined;
  let steps = 0;
  let disposed = false;
  const queue = pLimit(1);
  const oneAtATime = <Result>(run: () => Promise<Result>): Promise<Result> =>
    queue(() => {
      if (disposed) throw new TrainerDisposed();
      return run();
    });

  const chosen = (choice: WeightChoice): Float32Array => {
    if (choice === "current") return weights;
    if (choice !== "averaged") {
      throw new TrainingUnfit(`There are no weights "${String(choice)}"; choose "current" or "averaged".`);
    }
    if (average) return average;
    throw new TrainingUnfit("This trainer keeps no average of its weights. Set averaging, to .995 for example.");
  };
  const tuned = async (choice: WeightChoice) => {
    const values = chosen(choice);
    await engine.download();
    const tensors = space.parameters.map(({ name, shape, from, to }): [string, Tensor] => [
      name,
      float32Tensor(shape, values.slice(from, to)),
    ]);
    return { head, headPrefix: encoder.headPrefix, weights: new Map(tensors), statistics };
  };
  const tailGraphOf = async (choice: WeightChoice) => tailGraph(training, await tuned(choice));
  const tail = createTailRunner(photoFeeds, tailGraphOf, { batch, dims, width }, options);
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
        const labels = labelsOf(givenLabels);
        const anchors = given.anchors ? Float32Array.from(given.anchors) : allAnchors;
        const slots = fillMemory(given.memory, memory, dims);
        checkBatch(labels, anchors, slots.labels, batch, photoFeeds.count(photos));
        fillDropoutMask(mask, head.dropout ?? 0, seed, steps);
        const feeds = {
          ...photoFeeds.feeds(await photoFeeds.boundary(photos), 0, batch),
          [STEP.labels]: integers(labels),
          [STEP.anchors]: floats(anchors, [batch]),
          ...(memory > 0 && {
            [STEP.memoryEmbeddings]: floats(slots.embeddings, [memory, dims]),
            [STEP.memoryLabels]: integers(slots.labels),
          }),
          ...(mask.length > 0 && { [STEP.mask]: floats(mask, [batch, width]) }),
          ...(head.standardise && standardFeeds()),
        };
        const share = rateShare(steps, schedule) * (given.rateShare ?? 1);
        if (!(Number.isFinite(share) && share >= 0)) {
          throw new BatchUnusable(`A rateShare of ${given.rateShare} would ruin the weights. Give a number from 0 on.`);
        }
        const learningRate = { head: fullRate.head * share, trunk: fullRate.trunk * share };
        const outcome = await engine.step(feeds, learningRate, steps);
        if (!Number.isFinite(outcome.loss)) throw new TrainingDiverged(steps + 1, "the loss");
        if (!Number.isFinite(outcome.gradientNorm)) throw new TrainingDiverged(steps + 1, "the gradient");
        steps++;
        await tail.drop();
        return { step: steps, ...outcome, learningRate };
      }),
    trunk: (images) => oneAtATime(() => photoFeeds.boundary({ images })),
    frozenModel: () => frozen && writeModel(modelOf(frozen)),
    embed: (photos, choice = "current") => oneAtATime(() => tail.run(photos, choice, TAIL.embedding)),
    features: (photos) => oneAtATime(() => tail.run(photos, "current", TAIL.features)),
    standardise: (given) =>
      oneAtATime(async () => {
        if (!head.standardise) throw new TrainingUnfit("The head does not standardise. Set standardise in its recipe.");
        if (given.mean.length !== width || given.deviation.length !== width) {
          throw new TrainingUnfit(`Statistics of ${given.mean.length} features were given; the head sees ${width}.`);
        }
        statistics = { mean: given.mean.slice(), deviation: given.deviation.slice() };
        await tail.drop();
      }),
    weights: (choice = "current") =>
      oneAtATime(async () => {
        const values = chosen(choice);
        await engine.download();
        return new Map(space.parameters.map(({ name, from, to }) => [name, values.slice(from, to)]));
      }),
    load: (given) =>
      oneAtATime(async () => {
        checkWeights(given, space);
        await engine.download();
        for (const { name, from } of space.parameters) weights.set(given.get(name) ?? [], from);
        average?.set(weights);
        engine.upload();
        await tail.drop();
      }),
    state: () =>
      oneAtATime(async () => {
        await engine.download();
        return copyOfState({ steps, space, weights, average, optimiser, statistics, name: specification.name });
      }),
    restore: (state) =>
      oneAtATime(async () => {
        checkState(state, { space, width, optimiser: specification.name, averages: average !== undefined });
        restoreOptimiser(optimiser, state);
        weights.set(state.weights);
        average?.set(state.average ?? state.weights);
        engine.upload();
        statistics = state.statistics ?? undefined;
        steps = state.steps;
        await tail.drop();
      }),
    export: (choice = "current") =>
      oneAtATime(async () => writeModel(modelOf(exportGraph(encoder, await tuned(choice))))),
    dispose: () =>
      queue(async () => {
        if (disposed) return;
        disposed = true;
        await tail.drop();
        await engine.dispose();
        await trunkSession?.release();
      }),
  };
}
