/**
 * A trainer process whose loop is played: what a run does between its start and its end, without any learning. The
 * process around it is the real one. Each epoch's loss follows from the last one, so that a resume which lost its
 * state would show. The seed says what happens.
 */
import { setTimeout as delay } from "node:timers/promises";
import { LearningCancelled, NotEnoughData } from "../../src/learning/learning.errors.js";
import type { Learn } from "../../src/learning/learning.type.js";
import { runTrainer } from "../../src/learning/runs/run-trainer.js";

export const PLAYS = {
  /** Ten epochs of 30 ms. */
  short: 1,
  /** Six hundred epochs of 100 ms: time to interfere. */
  long: 2,
  /** Crashes in its first attempt, after the fourth epoch. */
  crashOnce: 3,
  /** Crashes in each attempt before its first checkpoint. */
  crashAlways: 4,
  /** Goes on and on without looking at its signal. */
  deaf: 5,
  /** Finds too little. */
  notEnough: 6,
  /** A loss that is no number, and all the rest that a run can tell. */
  talkative: 7,
} as const;

interface State {
  readonly epoch: number;
  readonly value: number;
}

/** The loss of an epoch and the state behind it. */
export function nextState({ epoch, value }: State, seed: number): State {
  return { epoch: epoch + 1, value: (value * 48_271 + seed) % 2_147_483_647 };
}

const learn: Learn = async ({ request, snapshot, checkpoint }, listener, signal) => {
  const { seed } = request;
  const plan = { recipe: "head", reason: "played", device: "cpu", labels: 4, phases: [] } as const;
  await listener.plan({ ...plan, photos: { train: snapshot.photos.length, validation: 0, test: 0 } });
  if (seed === PLAYS.notEnough) throw new NotEnoughData("Two labels are needed: 1 more.");
  let state: State = checkpoint ? (JSON.parse(Buffer.from(checkpoint).toString()) as State) : { epoch: 0, value: 7 };
  const epochs = seed === PLAYS.long ? 600 : 10;
  while (state.epoch < epochs) {
    if (seed === PLAYS.crashAlways) crash();
    if (seed === PLAYS.deaf) {
      const until = Date.now() + 60_000;
      while (Date.now() < until);
    }
    await delay(seed === PLAYS.long ? 100 : 30);
    if (signal.aborted) throw new LearningCancelled();
    state = nextState(state, seed);
    const { epoch } = state;
    await listener.progress({ stage: "head", done: epoch, total: epochs, secondsLeft: (epochs - epoch) / 10 });
    await listener.epoch({
      epoch,
      stage: "head",
      step: epoch * 10,
      loss: seed === PLAYS.talkative && epoch === 3 ? Number.NaN : state.value / 2_147_483_647,
      active: 0.5,
      gradientNorm: 1,
      learningRate: 0.001,
      seconds: 0.1,
    });
    if (seed === PLAYS.talkative) await talk(listener, epoch);
    await listener.checkpoint(Buffer.from(JSON.stringify(state)), epoch * 10);
    if (seed === PLAYS.crashOnce && !checkpoint && epoch === 4) crash();
  }
  return {
    model: Buffer.from(`played ${JSON.stringify(state)}`),
    dims: 128,
    validation: { recallAt1: 0.9, precisionAt1: 0.9, recallAt10: 1, meanAveragePrecision: 0.8, mapAtR: 0.7 },
    baseValidation: undefined,
    steps: epochs * 10,
    seconds: 1,
    timings: { head: 1 },
  };
};

async function talk(listener: Parameters<Learn>[1], epoch: number): Promise<void> {
  await listener.triplets(epoch, [
    { anchor: 0, positive: 1, negative: 2, positiveDistance: 0.1, negativeDistance: 0.2 },
    { anchor: 3, positive: 4, negative: 5, positiveDistance: 0.3, negativeDistance: 0.25 },
  ]);
  if (epoch === 3)
    await listener.guard({ guard: "not-a-number", step: 30, action: "Back to step 20 at half the rate." });
  if (epoch === 5) await listener.suspects([{ photo: 2, label: 0, agreement: 0.05, suggested: 1 }]);
}

function crash(): void {
  console.error("terminate called after throwing an instance of 'std::bad_alloc'");
  process.kill(process.pid, "SIGKILL");
}

if (process.argv[1]?.endsWith("learning-trainer.js")) await runTrainer(learn);
