import { surviveOutage } from "../../catalog/import/survive-outage.js";
import type { Database } from "../../database/database.type.js";
import { messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";
import type { DistributionReport } from "../../mining/mining.type.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import type { Snapshot } from "../snapshot/snapshot.type.js";
import type { RunProgress } from "./run-attempts.repository.js";
import { runKeys } from "./run-files.js";
import {
  recordCheckpoint,
  recordEpoch,
  recordGuard,
  recordPlan,
  recordSuspects,
  recordTriplets,
} from "./run-records.repository.js";
import type { FromTrainer } from "./trainer-message.type.js";
import type { TrainingRun } from "./training-run.type.js";

export interface RunRelayDependencies {
  readonly database: Database;
  readonly artefacts: Pick<ArtefactStore, "delete">;
  readonly logger: Logger;
}

/** What a trainer has said that decides about its run. */
export interface TrainerWords {
  readonly finished?: Extract<FromTrainer, { kind: "finished" }>;
  readonly failed?: Extract<FromTrainer, { kind: "failed" }>;
  readonly distributions: Partial<Record<"before" | "after", DistributionReport>>;
}

export interface RunRelay {
  take(message: FromTrainer): void;
  /** The newest progress that nobody has taken yet. */
  takeProgress(): RunProgress | undefined;
  /** When everything taken so far is stored. @throws what storing threw first: TrainingRunLost, DatabaseAway, … */
  settled(): Promise<TrainerWords>;
  /** Resolves with the first failure of storing; the trainer is to be stopped then. */
  readonly broken: Promise<unknown>;
}

/** Writes what a trainer says into its run, one after the other in the order in which it was said. */
export function createRunRelay(
  { database, artefacts, logger }: RunRelayDependencies,
  run: TrainingRun,
  snapshot: Snapshot,
): RunRelay {
  let progress: RunProgress | undefined;
  let words: TrainerWords = { distributions: {} };
  let failure: { readonly error: unknown } | undefined;
  let checkpointKey = run.checkpointKey;
  const own = new Set<string>(runKeys.checkpoints(run.id, run.attempts));
  let storing = Promise.resolve();
  let break_ = (_error: unknown): void => {};
  const broken = new Promise<unknown>((resolve) => {
    break_ = resolve;
  });

  const store = (work: () => Promise<void>): void => {
    storing = storing.then(async () => {
      if (failure) return;
      try {
        await surviveOutage(work, { logger });
      } catch (error) {
        failure = { error };
        break_(error);
      }
    });
  };

  const take = (message: FromTrainer): void => {
    switch (message.kind) {
      case "plan":
        store(() => recordPlan(database, run, message.plan));
        break;
      case "progress":
        progress = message;
        break;
      case "epoch":
        store(() => recordEpoch(database, run, message.epoch));
        break;
      case "triplets":
        store(() => recordTriplets(database, run, snapshot, message.epoch, message.triplets));
        break;
      case "guard":
        logger.warn({ runId: run.id, ...message.record }, "a guard acted");
        store(() => recordGuard(database, run, message.record));
        break;
      case "suspects":
        store(() => recordSuspects(database, run, snapshot, message.suspects));
        break;
      case "checkpoint":
        store(async () => {
          await recordCheckpoint(database, run, message);
          const old = checkpointKey;
          checkpointKey = message.key;
          // Its own are written in turn, and may be newer than what is told of them here.
          if (old === null || own.has(old)) return;
          await artefacts
            .delete(old)
            .catch((error: unknown) => logger.warn({ reason: messageOf(error) }, "an old checkpoint stays"));
        });
        break;
      case "distribution":
        words = { ...words, distributions: { ...words.distributions, [message.when]: message.report } };
        break;
      case "finished":
        words = { ...words, finished: message };
        break;
      case "failed":
        words = { ...words, failed: message };
        break;
      default:
        message satisfies never;
    }
  };

  return {
    take,
    takeProgress() {
      const taken = progress;
      progress = undefined;
      return taken;
    },
    async settled() {
      await storing;
      if (failure) throw failure.error;
      return words;
    },
    broken,
  };
}
