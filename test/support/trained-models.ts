import { createHash, randomUUID } from "node:crypto";
import type { Core } from "../../src/compose.js";
import { createEmbedders } from "../../src/embedding/index.js";
import { finishRun, noteRefresh, reviveRun } from "../../src/learning/runs/training-runs.repository.js";
import { compareAnswers, createRefreshModel, type Gate, type ModelVersion } from "../../src/models/index.js";
import { writeModel } from "../../src/onnx/index.js";
import { testLogger } from "./database.js";
import { tinyModel } from "./encoders-tiny-model.js";

export interface Trained {
  readonly model: ModelVersion;
  /** Undefined without a run. */
  readonly runId: string | undefined;
}

/**
 * Registers a model as if a run had trained it: weights in the artefact store, a run that waits for the refresh, and the
 * job, unless told otherwise.
 */
export async function trainModel(
  core: Core,
  { dims = 24, promote, enqueue = true }: { dims?: number; promote?: "IF_BETTER" | "NEVER"; enqueue?: boolean } = {},
): Promise<Trained> {
  const base = await core.models.base();
  const encoder = await core.encoders.open(base.encoder);
  const bytes = writeModel(tinyModel({ side: "side", dims, output: "embedding", input: encoder.manifest.input }));
  const runId = promote === undefined ? undefined : randomUUID();
  const weightsKey = `models/${randomUUID()}.onnx`;
  await core.artefacts.write(weightsKey, bytes);
  const model = await core.database.transaction(async (sql) => {
    if (runId !== undefined) {
      await sql.query(
        `INSERT INTO training_run (id, state, request, promote, encoder, parent_id)
         VALUES ($1::uuid, 'REFRESHING', '{}', $2::promote_policy, $3, $4::int)`,
        [runId, promote, base.encoder, base.id],
      );
    }
    const registered = await core.models.registerTrained(sql, {
      ...(runId === undefined ? {} : { runId }),
      parentId: base.id,
      encoder,
      weightsKey,
      weightsSha256: createHash("sha256").update(bytes).digest("hex"),
      dims,
    });
    await sql.query("UPDATE training_run SET model_id = $2::int WHERE id = $1::uuid", [runId ?? null, registered.id]);
    if (enqueue) await core.queue.enqueue(sql, "refresh-model", [{ modelId: registered.id }]);
    return registered;
  });
  return { model, runId };
}

export const passed: Gate = { passed: true, reason: "Better." };
export const refused: Gate = { passed: false, reason: "Worse." };

/**
 * The handler of the job `refresh-model` with the real stages. Only the gate is told what to say.
 * @param beforeGate runs when the vectors are complete and nothing is decided yet
 */
export function refreshHandler(
  core: Core,
  gate: Gate = passed,
  {
    beforeGate = async () => undefined,
    stopping,
  }: { beforeGate?: () => Promise<unknown>; stopping?: AbortSignal } = {},
) {
  const { database, queue, vectors, models, blobs, artefacts, encoders, config, promotion } = core;
  const embedders = createEmbedders({ models, encoders, artefacts, config, logger: testLogger, threads: 1 });
  const handle = createRefreshModel({
    database,
    vectors,
    models,
    blobs,
    embedders,
    promotion,
    queue,
    ...(stopping === undefined ? {} : { stopping }),
    runs: { note: noteRefresh, finish: finishRun, revive: reviveRun },
    judge: async () => {
      await beforeGate();
      return gate;
    },
    compareAnswers: (modelId, liveId, signal) => compareAnswers({ database, vectors }, modelId, liveId, signal),
    logger: testLogger,
  });
  return {
    embedders,
    run: (modelId: number, signal = new AbortController().signal, retryCount = 0) =>
      handle({ data: { modelId }, retryCount }, signal),
    close: () => embedders.close(),
  };
}
