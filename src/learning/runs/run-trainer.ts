import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createBlobStore } from "../../catalog/photos/blob-store.js";
import { createEncoderRegistry } from "../../encoders/index.js";
import { codeOf, messageOf } from "../../errors.js";
import { giveWay } from "../../jobs/give-way.js";
import { createLogger, type Logger } from "../../logger.js";
import { ArtefactDamaged, ArtefactMissing } from "../../models/artefact-store.errors.js";
import { createArtefactStore } from "../../models/artefact-store.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import type { Learn, LearningListener } from "../learning.type.js";
import type { Snapshot } from "../snapshot/snapshot.type.js";
import { workFolderOf } from "./run-files.js";
import type { FromTrainer, ToTrainer, TrainerStart } from "./trainer-message.type.js";

/**
 * A trainer process from its start to its end: gets its task over IPC, learns, tells what it does, leaves checkpoints
 * and the trained encoder in the artefact store. It ends when it is told to, on SIGTERM, and with the process that
 * started it.
 */
export async function runTrainer(learn: Learn): Promise<void> {
  if (!process.connected) {
    console.error("A trainer is started by a worker. To train, run: lookalike train");
    process.exit(1);
  }
  const stop = new AbortController();
  // Whoever started it is gone and another worker may have the run by now; the last checkpoint told of is what counts.
  process.once("disconnect", () => process.exit(1));
  process.once("SIGTERM", () => stop.abort());
  // Ctrl-C reaches the whole group; a trainer is told by its worker.
  process.on("SIGINT", () => {});
  yieldToOthers();
  const start = await receiveTask(() => stop.abort());
  const logger = createLogger(start.config.logLevel).child({ process: "trainer", runId: start.runId });
  try {
    await train(start, learn, stop.signal, logger);
    process.exit(0);
  } catch (error) {
    const code = codeOf(error);
    if (code === "INTERNAL_ERROR") logger.error({ err: error }, "the training failed");
    await tell({ kind: "failed", code, message: messageOf(error) }).catch(() => {});
    process.exit(1);
  }
}

async function train(start: TrainerStart, learn: Learn, signal: AbortSignal, logger: Logger): Promise<void> {
  const { config } = start;
  const artefacts = createArtefactStore(config);
  const blobs = createBlobStore(config);
  const encoder = await createEncoderRegistry({ config, logger }).open(start.encoder);
  const snapshot = JSON.parse(
    (await artefacts.read(start.snapshotKey, start.snapshotSha256)).toString("utf8"),
  ) as Snapshot;
  const checkpoint = await readCheckpoint(artefacts, start, logger);
  const workFolder = workFolderOf(config, start.runId);
  await mkdir(workFolder, { recursive: true });

  let [next, other] = start.nextCheckpointKeys;
  const listener: LearningListener = {
    plan: (plan) => tell({ kind: "plan", plan }),
    progress: (progress) => tell({ kind: "progress", ...progress }),
    epoch: (epoch) => tell({ kind: "epoch", epoch }),
    triplets: (epoch, triplets) => tell({ kind: "triplets", epoch, triplets }),
    guard: (record) => tell({ kind: "guard", record }),
    suspects: (suspects) => tell({ kind: "suspects", suspects }),
    distribution: (when, report) => tell({ kind: "distribution", when, report }),
    async checkpoint(bytes, step) {
      const key = next;
      const sha256 = await artefacts.write(key, bytes);
      [next, other] = [other, next];
      await tell({ kind: "checkpoint", key, sha256, step });
    },
  };
  const result = await learn(
    {
      request: start.request,
      snapshot,
      encoder,
      maxPixels: config.maxPixels,
      readPhoto: (contentHash) => blobs.read(contentHash),
      workFolder,
      ...(checkpoint ? { checkpoint } : {}),
    },
    listener,
    signal,
  );
  const sha256 = await artefacts.write(start.modelKey, result.model);
  await tell({
    kind: "finished",
    modelKey: start.modelKey,
    sha256,
    dims: result.dims,
    validation: result.validation ?? null,
    baseValidation: result.baseValidation ?? null,
    steps: result.steps,
    seconds: result.seconds,
    timings: result.timings,
  });
}

/** The checkpoint to go on from. One that was lost or damaged costs time and not the run: then it begins anew. */
async function readCheckpoint(
  artefacts: Pick<ArtefactStore, "read">,
  { checkpointKey, checkpointSha256 }: TrainerStart,
  logger: Logger,
): Promise<Buffer | undefined> {
  if (checkpointKey === null) return undefined;
  try {
    return await artefacts.read(checkpointKey, checkpointSha256 ?? undefined);
  } catch (error) {
    if (!(error instanceof ArtefactMissing) && !(error instanceof ArtefactDamaged)) throw error;
    logger.warn({ reason: error.message }, "the checkpoint cannot be used; the training begins anew");
    return undefined;
  }
}

/** The task, which comes first; `cancel` is called when it is withdrawn. */
function receiveTask(cancel: () => void): Promise<TrainerStart> {
  return new Promise((resolve) => {
    process.on("message", (message: ToTrainer) => {
      switch (message.kind) {
        case "start":
          return resolve(message);
        case "cancel":
          return cancel();
        default:
          message satisfies never;
      }
    });
  });
}

/** Resolves when the message is on its way, so that a trainer waits for a worker that is slow to read. */
function tell(message: FromTrainer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

/** Answers and embedding come first on the processor; and when memory ends, it is this process that the system ends. */
function yieldToOthers(): void {
  giveWay();
  try {
    writeFileSync("/proc/self/oom_score_adj", "500");
  } catch {
    // Not Linux, or not allowed: the system chooses by itself.
  }
}
