import { createGuardedFetcher } from "./catalog/fetching/guarded-fetcher.js";
import { readCatalogHealth } from "./catalog/health/catalog-health.repository.js";
import { startEndingLostImports } from "./catalog/import/end-lost-imports.js";
import { createImportCatalogJob } from "./catalog/import/import-catalog.job.js";
import { createCatalogImport } from "./catalog/import/import-catalog.js";
import { createBlobStore } from "./catalog/photos/blob-store.js";
import { createFetchPhoto } from "./catalog/photos/fetch-photo.job.js";
import { createPhotoIntake } from "./catalog/photos/photo-intake.js";
import { createCatalogWriter } from "./catalog/products/catalog-writer.js";
import { createProductReads } from "./catalog/products/product-reads.repository.js";
import type { Config } from "./config.js";
import { type DataFolderRole, openDatabase } from "./database/index.js";
import { createEmbedders, createEmbedPhotos, EMBED_PHOTOS_BATCHES } from "./embedding/index.js";
import { startVectorMaintenance } from "./embedding/maintain-vectors.js";
import { createEncoderRegistry } from "./encoders/index.js";
import { createEvaluation, createJudge } from "./evaluation/index.js";
import { createAssignVisitor, createExperimentedSimilarItems, createExperiments } from "./experiments/index.js";
import {
  countOfModel,
  createAttributionTokens,
  createRecordInteractions,
  startInteractionMaintenance,
} from "./interactions/index.js";
import { createJobConsumer, createJobQueue } from "./jobs/index.js";
import { announceWorker } from "./jobs/worker-presence.js";
import { createDistributions } from "./learning/distribution/index.js";
import { createJudgeCandidate } from "./learning/gate/index.js";
import { startEndingLostRuns } from "./learning/runs/end-lost-runs.js";
import { planTraining } from "./learning/runs/plan-training.js";
import { startRetrainSchedule } from "./learning/runs/retrain-schedule.js";
import { createTrainModelJob } from "./learning/runs/train-model.job.js";
import { createTraining } from "./learning/runs/training.js";
import { finishRun, noteRefresh, reviveRun } from "./learning/runs/training-runs.repository.js";
import { createSnapshotBuilder } from "./learning/snapshot/index.js";
import type { Logger } from "./logger.js";
import {
  compareAnswers,
  createArtefactStore,
  createCompareModels,
  createModelPromotion,
  createModelVersions,
  createRefreshModel,
} from "./models/index.js";
import { createListModels } from "./models/list-models.js";
import { createCachedSimilarItems } from "./similar/cache/index.js";
import { createFindProduct } from "./similar/find-product.js";
import { createSimilarItems } from "./similar/index.js";
import { createRevisions } from "./similar/revisions.js";
import { createRuleBooks, createRuledSimilarItems, createSimilarRules } from "./similar/rules/index.js";
import { createVectors } from "./vectors/index.js";

/** What the refresh of a model tells the run that waits for it. */
const waitingRuns = { note: noteRefresh, finish: finishRun, revive: reviveRun };

/** Photos under way at once; each host gets fewer (fetchPerHost). */
const FETCHES_AT_ONCE = 16;

/** The stages as every process needs them, over an open database. Command-line commands use this alone. */
export type Core = Awaited<ReturnType<typeof composeCore>>;

/**
 * Opens the database and wires what all processes share.
 * @param role what this process is to the embedded database's folder
 */
export async function composeCore(config: Config, logger: Logger, role: DataFolderRole) {
  const database = await openDatabase(config, logger, { role });
  const closing: (() => Promise<unknown>)[] = [() => database.close()];
  try {
    const queue = await createJobQueue(database, logger);
    closing.push(() => queue.close());
    const vectors = createVectors({ database, logger });
    const models = createModelVersions({ database, vectors, logger });
    const encoders = createEncoderRegistry({ config, logger });
    const blobs = createBlobStore(config);
    const artefacts = createArtefactStore(config);
    const snapshots = createSnapshotBuilder({ database, vectors });
    const intake = createPhotoIntake({ blobs, config });
    const fetcher = createGuardedFetcher({ config, logger });
    closing.push(() => fetcher.close());
    const revisions = createRevisions({ sql: database });
    const written = createCatalogWriter({ database, queue, vectors, logger });
    const writer = { ...written, apply: revisions.expiring(written.apply) };
    const catalogImport = createCatalogImport({
      database,
      writer,
      config,
      logger,
      intake,
      openUrl: (url, options) => fetcher.openGuarded(url, options),
    });
    const promotion = createModelPromotion({
      ...{ database, queue, vectors, artefacts, config, logger },
      runs: waitingRuns,
    });
    const books = createRuleBooks({ sql: database, revisions });
    const ruled = createRuledSimilarItems({
      ...{ books, sql: database },
      similar: createSimilarItems({ vectors, models }),
    });
    const cached =
      config.cache > 0
        ? createCachedSimilarItems({ similar: ruled, revisions, books, maxBytes: config.cache * 1024 * 1024 })
        : undefined;
    const assignVisitor = createAssignVisitor({ sql: database, revisions });
    const attribution = createAttributionTokens(database);
    return {
      config,
      logger,
      database,
      queue,
      vectors,
      models,
      listModels: createListModels(database),
      promotion: {
        ...promotion,
        promote: revisions.expiring(promotion.promote),
        rollback: revisions.expiring(promotion.rollback),
      },
      compareModels: createCompareModels({ vectors, models }),
      encoders,
      blobs,
      artefacts,
      snapshots,
      fetcher,
      intake,
      writer,
      catalogImport,
      products: createProductReads(database),
      findProduct: createFindProduct(database),
      similar: createExperimentedSimilarItems(cached ?? ruled, assignVisitor),
      assignVisitor,
      attribution,
      recordInteractions: createRecordInteractions({ sql: database, tokens: attribution }),
      countOfModel: (modelId: number, span: { readonly from: Date; readonly to: Date }) =>
        countOfModel(database, modelId, span),
      experiments: createExperiments({ database, vectors, revisions }),
      /** What the cache of answers did since this process started; undefined without one. */
      cacheCounters: () => cached?.counters(),
      rules: createSimilarRules({ database, revisions }),
      evaluation: createEvaluation({ vectors, models }),
      distributions: createDistributions({ database, vectors, models }),
      training: createTraining({
        ...{ database, queue, models, snapshots },
        plan: (preview, signal) => planTraining({ config, logger, artefacts, snapshots }, preview, signal),
      }),
      readHealth: () => readCatalogHealth({ sql: database, queue }),
      /** Registers the configured encoder as base model when it is not one yet; converts it at the very first start. */
      async ensureBaseModel() {
        const { manifest, digest } = await encoders.open(config.encoder);
        const base = await models.ensureBase({ name: manifest.name, digest, dims: manifest.dims });
        // Another encoder than before: its vectors are made beside the old one's.
        if (base.state === "CANDIDATE") {
          await database.transaction((sql) => queue.enqueue(sql, "refresh-model", [{ modelId: base.id }]));
        }
        return base;
      },
      close: () => closeInTurn(closing),
    };
  } catch (error) {
    await closeInTurn(closing);
    throw error;
  }
}

/**
 * A worker that takes jobs from now on. It joins the embedded database of the process that started it and never hosts
 * it: a worker that outlived a server must not keep the next one out.
 */
export async function composeWorker(
  config: Config,
  logger: Logger,
): Promise<{ close(graceMs?: number): Promise<void> }> {
  const core = await composeCore(config, logger, "guest");
  const closing: ((graceMs?: number) => Promise<unknown>)[] = [() => core.close()];
  try {
    const { database, queue, vectors, models, encoders, blobs, artefacts, fetcher, intake } = core;
    await core.ensureBaseModel();
    const embedders = createEmbedders({ models, encoders, artefacts, config, logger });
    closing.push(() => embedders.close());
    const maintenance = startVectorMaintenance({ queue, models, vectors, logger });
    closing.push(() => maintenance.stop());
    const lostImports = startEndingLostImports({ database, queue, logger });
    closing.push(() => lostImports.stop());
    const lostRuns = startEndingLostRuns({ database, queue, artefacts, config, logger });
    closing.push(() => lostRuns.stop());
    const retraining = startRetrainSchedule({ database, training: core.training, artefacts, config, logger });
    closing.push(() => retraining.stop());
    const interactions = startInteractionMaintenance({ database, config, logger });
    closing.push(() => interactions.stop());
    const consumer = await createJobConsumer(database, logger);
    closing.push((graceMs) => consumer.close(graceMs));
    // Jobs may go on for a while when a worker closes; a training leaves a checkpoint at once instead.
    const stopping = new AbortController();
    closing.push(async () => stopping.abort());
    const presence = await announceWorker(database, logger);
    closing.push(() => presence.leave());

    const embedPhotos = createEmbedPhotos({ database, blobs, embedders, models, vectors, logger });
    await consumer.consumeBatches("embed-photo", EMBED_PHOTOS_BATCHES, async (jobs, signal) => {
      const failures = await embedPhotos(jobs, signal);
      maintenance.noteEmbedded();
      return failures;
    });
    const fetchPhoto = createFetchPhoto({ database, queue, fetcher, intake, blobs, vectors, logger });
    await consumer.consume("fetch-photo", { concurrency: FETCHES_AT_ONCE }, fetchPhoto);
    const refreshModel = createRefreshModel({
      database,
      blobs,
      embedders,
      vectors,
      models,
      promotion: core.promotion,
      runs: waitingRuns,
      queue,
      stopping: stopping.signal,
      judge: createJudgeCandidate({ database, artefacts, judge: createJudge({ evaluation: core.evaluation }) }),
      compareAnswers: (modelId, liveId, signal) => compareAnswers({ database, vectors }, modelId, liveId, signal),
      logger,
    });
    await consumer.consume("refresh-model", { concurrency: 1 }, refreshModel);
    await consumer.consume(
      "import-catalog",
      { concurrency: 1 },
      createImportCatalogJob({ database, catalogImport: core.catalogImport, logger }),
    );
    const trainModel = createTrainModelJob({
      ...{ database, queue, config, logger, artefacts, encoders, models },
      snapshots: core.snapshots,
      stopping: stopping.signal,
    });
    await consumer.consume("train-model", { concurrency: 1 }, trainModel);
  } catch (error) {
    await closeInTurn(closing);
    throw error;
  }
  return { close: (graceMs) => closeInTurn(closing, graceMs) };
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function closeInTurn(
  closing: readonly ((graceMs?: number) => Promise<unknown>)[],
  graceMs?: number,
): Promise<void> {
  const failures: unknown[] = [];
  for (const close of [...closing].reverse()) {
    await close(graceMs).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
