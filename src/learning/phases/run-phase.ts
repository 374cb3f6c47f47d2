import {
  BatchUnusable,
  type StepResult,
  type Trainer,
  type TrainerState,
  TrainingDiverged,
} from "../../training/index.js";
import { rateShare } from "../../training/optimisers/index.js";
import { isPlateau } from "../guards/plateau.js";
import { afterDivergence, afterStep, freshGuards, type GuardDecision, spreadOf } from "../guards/step-guards.js";
import { LearningCancelled } from "../learning.errors.js";
import type { GuardName } from "../learning.type.js";
import type { PhasePosition, PhaseResult, PhaseRun, PhaseStart } from "./phase.type.js";

const MOST_UNUSABLE = 20;
/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 300;
const emptySums = { steps: 0, loss: 0, active: 0, norm: 0 };

/**
 * Trains for the steps of a phase, with guards, and keeps the averaged weights of the best validation. A signal stops it
 * before the next step, after a checkpoint.
 * @throws LearningCancelled, TrainingDiverged when nothing helps, and what the listener throws
 */
export async function runPhase(run: PhaseRun, start?: PhaseStart): Promise<PhaseResult> {
  const { stage, trainers, sampler, source, places, steps, listener, signal } = run;
  const epochSteps = Math.max(1, Math.ceil(steps / run.epochs));
  let position: PhasePosition = start?.position ?? {
    step: 0,
    epochs: 0,
    guards: freshGuards,
    sums: emptySums,
    history: [],
    best: null,
    cleaned: false,
    sampler: sampler.state(),
  };
  let best = start?.best;
  let trainer = trainerOf(position.epochs);
  if (start) {
    await trainer.restore(start.trainer);
    sampler.restore(start.position.sampler);
  }
  let good: TrainerState = await trainer.state();
  let unusable = 0;
  let reported = 0;
  let epochStarted = performance.now();
  const phaseStarted = performance.now();
  const firstStep = position.step;

  function trainerOf(epoch: number): Trainer {
    return trainers[epoch % trainers.length]!;
  }
  const now = () => ({ ...position, sampler: sampler.state() });
  const record = (guard: GuardName, action: string) => listener.guard({ guard, step: position.step, action });

  const shareAt = (step: number) => rateShare(step, run.schedule) * position.guards.rateShare;

  async function report(): Promise<void> {
    if (performance.now() - reported < REPORT_EVERY && position.step < steps) return;
    reported = performance.now();
    const each = (reported - phaseStarted) / Math.max(1, position.step - firstStep) / 1000;
    const secondsLeft = position.step > firstStep ? Math.round(each * (steps - position.step)) : null;
    await listener.progress({ stage, done: position.step, total: steps, secondsLeft });
  }

  /** @returns undefined for a batch that taught nothing */
  async function step(): Promise<StepResult | undefined> {
    const batch = sampler.next();
    const photos = Int32Array.from(batch.photos, (photo) => places[photo]!);
    const boundary = await source.batch(photos, batch.views);
    try {
      const share = shareAt(position.step);
      return await trainer.step({ boundary }, batch.labels, { anchors: batch.anchors, rateShare: share });
    } catch (error) {
      if (error instanceof TrainingDiverged) {
        await act(afterDivergence(position.guards), "not-a-number", "The loss or its gradient was not a number", error);
        return undefined;
      }
      if (!(error instanceof BatchUnusable) || ++unusable > MOST_UNUSABLE) throw error;
      if (unusable === 1) await record("single-label-batch", `A batch was drawn again: ${error.message}`);
      return undefined;
    }
  }

  async function act({ state, verdict }: GuardDecision, guard: GuardName, seen: string, cause?: Error): Promise<void> {
    position = { ...position, guards: state };
    const rate = `${Number((100 * state.rateShare).toPrecision(2))} % of the planned rate`;
    switch (verdict) {
      case "go-on":
        return;
      case "slower":
        return record(guard, `${seen}: the step was left out, on at ${rate}.`);
      case "restore":
        // The schedule goes on from here: steps that were lost are not taken again.
        await trainer.restore({ ...good, steps: position.step });
        return record(guard, `${seen}: back to the last good weights, on at ${rate}.`);
      case "give-up":
        await trainer.restore({ ...good, steps: position.step });
        await record(guard, `${seen} again and again: the phase ends with the best weights so far.`);
        if (cause && best === undefined) throw cause;
        position = { ...position, step: steps };
    }
  }

  async function stopIfAsked(): Promise<void> {
    if (!signal.aborted) return;
    await run.save(await trainer.state(), now(), best);
    throw new LearningCancelled();
  }

  const timeIsUp = () => performance.now() > run.deadline;
  const epochIsDue = () =>
    position.sums.steps > 0 && (position.step % epochSteps === 0 || position.step >= steps || timeIsUp());

  async function outcomeOfEpoch(number: number) {
    const epoch = { number: run.epochsBefore + number, step: position.step, cleaned: position.cleaned };
    try {
      return await run.endOfEpoch(trainer, epoch);
    } catch (error) {
      if (error instanceof LearningCancelled) await run.save(await trainer.state(), now(), best);
      throw error;
    }
  }

  /** @returns whether the phase is over */
  async function endEpoch(): Promise<boolean> {
    const { sums } = position;
    const number = position.epochs + 1;
    const { cleaned = position.cleaned, ...outcome } = await outcomeOfEpoch(number);
    const { validation } = outcome;
    const better = validation && validation.meanAveragePrecision > (position.best?.meanAveragePrecision ?? -1);
    if (better) best = await flatWeights(trainer);
    await listener.epoch({
      epoch: run.epochsBefore + number,
      stage,
      step: position.step,
      loss: sums.loss / sums.steps,
      active: sums.active / sums.steps,
      gradientNorm: sums.norm / sums.steps,
      learningRate: run.learningRate * shareAt(position.step - 1),
      ...outcome,
      seconds: (performance.now() - epochStarted) / 1000,
    });
    epochStarted = performance.now();
    good = await trainer.state();
    const next = trainerOf(number);
    if (next !== trainer) await next.restore(good);
    trainer = next;
    position = {
      ...position,
      epochs: number,
      sums: emptySums,
      history: validation ? [...position.history, validation.meanAveragePrecision] : position.history,
      best: better ? validation : position.best,
      cleaned,
    };
    await run.save(good, now(), best);
    if (position.step >= steps) return true;
    if (timeIsUp()) return true;
    const patience = Math.max(3, Math.ceil(run.epochs / 2));
    if (!isPlateau(position.history, patience)) return false;
    await record("plateau", `${patience} epochs brought nothing: the phase ends with the best weights so far.`);
    return true;
  }

  for (;;) {
    await stopIfAsked();
    if (epochIsDue()) {
      if (await endEpoch()) break;
      continue;
    }
    if (position.step >= steps) break;
    await report();
    const result = await step();
    if (result === undefined) continue;
    unusable = 0;
    const { sums } = position;
    position = {
      ...position,
      step: position.step + 1,
      sums: {
        steps: sums.steps + 1,
        loss: sums.loss + result.loss,
        active: sums.active + result.active,
        norm: sums.norm + result.gradientNorm,
      },
    };
    const decision = afterStep(position.guards, spreadOf(result.embeddings, trainer.dims));
    await act(decision, "collapse", "All photos came to look the same");
  }
  await report();
  return { trainer, position: now(), best: best ?? (await flatWeights(trainer)) };
}

/** Averaged weights in the order of the trainer's state. */
async function flatWeights(trainer: Trainer): Promise<Float32Array> {
  const weights = [...(await trainer.weights("averaged")).values()];
  const flat = new Float32Array(weights.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of weights) {
    flat.set(values, at);
    at += values.length;
  }
  return flat;
}

/** Sets a trainer's weights from `flatWeights`. */
export async function loadFlat(trainer: Trainer, flat: Float32Array): Promise<void> {
  const entries: [string, Float32Array][] = [];
  let at = 0;
  for (const [name, { length }] of await trainer.weights()) {
    entries.push([name, flat.slice(at, at + length)]);
    at += length;
  }
  await trainer.load(new Map(entries));
}
