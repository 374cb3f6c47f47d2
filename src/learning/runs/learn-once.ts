import type { Config } from "../../config.js";
import type { InstalledEncoder } from "../../encoders/encoder.type.js";
import type { Snapshot } from "../snapshot/snapshot.type.js";
import { type RunProgress, recordSnapshot } from "./run-attempts.repository.js";
import { runKeys } from "./run-files.js";
import { createRunRelay, type RunRelay, type TrainerWords } from "./run-relay.js";
import type { TrainModelDependencies } from "./train-model.type.js";
import type { FromTrainer, TrainerStart } from "./trainer-message.type.js";
import { startTrainer, type TrainerEnd } from "./trainer-process.js";
import { toSnapshotRequest } from "./training-request.js";
import type { TrainingRun } from "./training-run.type.js";
import { EncoderChanged, TrainerCrashed, TrainerFailed, TrainingRunLost } from "./training-run-errors.js";
import { watchRun } from "./watch-run.js";

/** Why an attempt is to stop. lost: another worker has the run, or it was ended. released: this worker is about to end. */
export type StopReason = "cancelled" | "lost" | "released";

export type AttemptEnd =
  | {
      readonly kind: "finished";
      readonly encoder: InstalledEncoder;
      readonly words: TrainerWords;
      readonly finished: Extract<FromTrainer, { kind: "finished" }>;
    }
  | { readonly kind: "stopped"; readonly why: StopReason }
  | { readonly kind: "failed"; readonly error: unknown };

/** A worker that ends leaves its trainer this long for a checkpoint. */
const CHECKPOINT_WITHIN_MS = 8_000;
const BUILDING: RunProgress = { stage: "snapshot", done: 0, total: 0, secondsLeft: null };

/**
 * One attempt at a run that was begun: the snapshot, unless an earlier attempt made it, then the trainer, whose words
 * are stored as they come. Says how it ended; the run itself is ended by the caller.
 * @param stop aborted with a StopReason, from outside or in here
 */
export async function learnOnce(
  dependencies: TrainModelDependencies,
  run: TrainingRun,
  stop: AbortController,
): Promise<AttemptEnd> {
  const { database, logger } = dependencies;
  let relay: RunRelay | undefined;
  const takeProgress = (): RunProgress | undefined => (relay ? relay.takeProgress() : BUILDING);
  const watch = watchRun({ sql: database, logger }, run, takeProgress, (why) => stop.abort(why));
  try {
    const { encoder, snapshot, start } = await prepare(dependencies, run, stop.signal);
    relay = createRunRelay(dependencies, run, snapshot);
    const { words, end } = await train(dependencies, start, relay, stop.signal);
    if (stop.signal.aborted) return { kind: "stopped", why: stop.signal.reason as StopReason };
    if (words.finished) return { kind: "finished", encoder, words, finished: words.finished };
    return { kind: "failed", error: failureOf(words, end) };
  } catch (error) {
    if (error instanceof TrainingRunLost) return { kind: "stopped", why: "lost" };
    if (stop.signal.aborted) return { kind: "stopped", why: stop.signal.reason as StopReason };
    return { kind: "failed", error };
  } finally {
    await watch.end();
  }
}

interface Prepared {
  readonly encoder: InstalledEncoder;
  readonly snapshot: Snapshot;
  readonly start: TrainerStart;
}

async function prepare(dependencies: TrainModelDependencies, run: TrainingRun, signal: AbortSignal): Promise<Prepared> {
  const { config, encoders, models } = dependencies;
  const [encoder, parent] = await Promise.all([encoders.open(run.encoder), models.find(run.parentId)]);
  if (parent?.encoderDigest !== encoder.digest) throw new EncoderChanged(run.encoder);
  const { snapshot, key, sha256 } = await openSnapshot(dependencies, run, signal);
  signal.throwIfAborted();
  const { recipe, budgetMinutes, seed, device } = run.request;
  return {
    encoder,
    snapshot,
    start: {
      kind: "start",
      config: withoutSecrets(config),
      runId: run.id,
      request: { recipe, budgetMinutes, seed, device: device === "auto" ? config.device : device },
      encoder: run.encoder,
      snapshotKey: key,
      snapshotSha256: sha256,
      checkpointKey: run.checkpointKey,
      checkpointSha256: run.checkpointSha256,
      modelKey: runKeys.model(run.id, run.attempts),
      nextCheckpointKeys: runKeys.checkpoints(run.id, run.attempts),
    },
  };
}

async function openSnapshot(
  { database, artefacts, snapshots }: TrainModelDependencies,
  run: TrainingRun,
  signal: AbortSignal,
): Promise<{ snapshot: Snapshot; key: string; sha256: string }> {
  if (run.snapshotKey !== null && run.snapshotSha256 !== null) {
    const bytes = await artefacts.read(run.snapshotKey, run.snapshotSha256);
    const snapshot = JSON.parse(bytes.toString("utf8")) as Snapshot;
    return { snapshot, key: run.snapshotKey, sha256: run.snapshotSha256 };
  }
  const snapshot = await snapshots.build(toSnapshotRequest(run.request), run.parentId, signal);
  const key = runKeys.snapshot(run.id);
  const sha256 = await artefacts.write(key, Buffer.from(JSON.stringify(snapshot)));
  await recordSnapshot(database, run, { key, sha256 });
  return { snapshot, key, sha256 };
}

/** A trainer talks to nobody but its worker. */
export function withoutSecrets({ databaseUrl: _, adminToken: __, storefrontKey: ___, ...config }: Config): Config {
  return config;
}

async function train(
  { logger, trainerScript }: TrainModelDependencies,
  start: TrainerStart,
  relay: RunRelay,
  signal: AbortSignal,
): Promise<{ words: TrainerWords; end: TrainerEnd }> {
  const trainer = startTrainer(start, (message) => relay.take(message), logger, trainerScript);
  logger.info({ runId: start.runId, trainer: trainer.pid, checkpoint: start.checkpointKey }, "training");
  const onStop = (): void => {
    if (signal.reason === "lost") trainer.kill();
    else trainer.stop(signal.reason === "released" ? CHECKPOINT_WITHIN_MS : undefined);
  };
  if (signal.aborted) onStop();
  signal.addEventListener("abort", onStop, { once: true });
  // Nothing that it does from here on could be stored.
  void relay.broken.then(() => trainer.kill());
  const end = await trainer.ended;
  signal.removeEventListener("abort", onStop);
  return { words: await relay.settled(), end };
}

function failureOf({ failed }: TrainerWords, { code, signal, lastWords }: TrainerEnd): Error {
  if (failed) return new TrainerFailed(failed.code, failed.message);
  const how = signal === null ? `ended by itself with exit code ${code}` : `was ended by ${signal}`;
  const memory = signal === "SIGKILL" ? " The system ends processes so when memory runs out." : "";
  const words = lastWords === "" ? "" : ` Its last words: ${lastWords}`;
  return new TrainerCrashed(`The trainer process ${how}.${memory}${words}`);
}
