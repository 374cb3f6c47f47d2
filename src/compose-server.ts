import "reflect-metadata";
import { CatalogHealthResolver } from "./catalog/health/catalog-health.resolver.js";
import { ImportRunResolver } from "./catalog/import/import-run.resolver.js";
import { createStartImport } from "./catalog/import/start-import.js";
import { createPictureReader } from "./catalog/photos/photo-picture.js";
import { CatalogMutationsResolver } from "./catalog/products/catalog-mutations.resolver.js";
import { ProductConnectionResolver, ProductResolver } from "./catalog/products/product.resolver.js";
import { createRefreshEmbeddings } from "./catalog/products/refresh-embeddings.js";
import { createProgressSource } from "./catalog/progress/progress.js";
import { ProgressResolver } from "./catalog/progress/progress.resolver.js";
import type { Core } from "./compose.js";
import { createEmbedders } from "./embedding/index.js";
import { EvaluationResolver } from "./evaluation/evaluation.resolver.js";
import { ExperimentsResolver } from "./experiments/experiments.resolver.js";
import { createExperimentedEmbedPicture } from "./experiments/index.js";
import { buildSubgraphSchema, createFindReferences, parseProductKey } from "./federation/index.js";
import { AttributionTokenResolver, InteractionsResolver } from "./interactions/interactions.resolver.js";
import { DistributionResolver } from "./learning/distribution/distribution.resolver.js";
import { TrainingMutationsResolver, TrainingProgressResolver } from "./learning/runs/training-mutations.resolver.js";
import { createTrainingProgress } from "./learning/runs/training-progress.js";
import { TrainingPhotoResolver, TrainingRunResolver } from "./learning/runs/training-run.resolver.js";
import { CompareModelsResolver } from "./models/compare-models.resolver.js";
import { ModelMutationsResolver } from "./models/model-mutations.resolver.js";
import { ModelVersionResolver } from "./models/model-version.resolver.js";
import type { ServerParts } from "./server/build-server.js";
import { createMetrics } from "./server/operate/metrics.js";
import { createEmbedPicture } from "./similar/embed-picture.js";
import { SimilarItemExplanationResolver } from "./similar/explanation.resolver.js";
import { SimilarRulesResolver } from "./similar/rules/similar-rules.resolver.js";
import {
  SimilarItemConnectionResolver,
  SimilarItemEdgeResolver,
  SimilarItemsResolver,
} from "./similar/similar-items.resolver.js";

/**
 * What the HTTP server needs, over a core that somebody else closes afterwards. Apart from compose.ts, because the
 * GraphQL classes take a third of a second to load, which commands and workers do without.
 */
export function composeServer(core: Core): ServerParts & { close(): Promise<void> } {
  const { config, logger, database, queue, vectors, models, encoders, products, writer, similar, fetcher } = core;
  // One lane: a visitor's picture takes some ten milliseconds, and the worker needs the other cores.
  const embedders = createEmbedders({ models, encoders, artefacts: core.artefacts, config, logger, threads: 1 });
  const pictures = createPictureReader({ fetcher, config });
  const productKey = parseProductKey(config.productKey);
  const embedPicture = createExperimentedEmbedPicture(
    createEmbedPicture({ pictures, embedders, models }),
    core.assignVisitor,
  );
  const { cacheCounters } = core;
  const metrics = config.metrics
    ? createMetrics({ ...{ database, queue, models, logger, cacheCounters }, search: vectors.search })
    : undefined;
  return {
    config,
    logger,
    metrics,
    blobs: core.blobs,
    progress: createProgressSource(database, queue),
    training: createTrainingProgress(database),
    sources: { products, models, similar, findReferences: createFindReferences(database, config.productSource) },
    ...(config.subgraph ? { subgraph: (schema) => buildSubgraphSchema(schema, productKey) } : {}),
    readiness: {
      database: () => database.query("SELECT 1"),
      migrations: () => assertMigrated(core),
      queue: () => queue.counts(),
    },
    resolvers: [
      new CatalogHealthResolver(core.readHealth),
      new CatalogMutationsResolver(
        writer,
        createStartImport({ database, queue }),
        createRefreshEmbeddings({ database, queue, vectors }),
        config.defaultCurrency,
      ),
      new DistributionResolver(core.distributions),
      new AttributionTokenResolver(core.attribution),
      new EvaluationResolver(core.evaluation),
      new ExperimentsResolver(core.experiments),
      new InteractionsResolver(core.recordInteractions, core.countOfModel),
      new ImportRunResolver(database),
      new CompareModelsResolver(core.compareModels),
      new ModelMutationsResolver(core.promotion),
      new ModelVersionResolver(core.listModels, (modelId) => vectors.countPhotos(database, modelId)),
      new ProductConnectionResolver(products),
      new ProductResolver(products, core.findProduct),
      new ProgressResolver(),
      new SimilarItemConnectionResolver(),
      new SimilarItemEdgeResolver(),
      new SimilarItemExplanationResolver(),
      new SimilarItemsResolver(similar, embedPicture, config.defaultCurrency),
      new SimilarRulesResolver(core.rules, core.findProduct),
      new TrainingMutationsResolver(core.training),
      new TrainingPhotoResolver(),
      new TrainingProgressResolver(),
      new TrainingRunResolver(core.training, database),
    ],
    async close() {
      metrics?.close();
      await embedders.close();
    },
  };
}

/** The applied migrations are there and complete; a database that was swapped behind a running server is not ready. */
async function assertMigrated({ database }: Pick<Core, "database">): Promise<void> {
  const [row] = await database.query<{ unfinished: number; applied: number }>(
    `SELECT count(*) FILTER (WHERE finished_at IS NULL AND rolled_back_at IS NULL)::int AS unfinished,
            count(*) FILTER (WHERE finished_at IS NOT NULL)::int AS applied FROM _prisma_migrations`,
  );
  if (!row || row.applied === 0 || row.unfinished > 0) throw new Error("migrations are missing or unfinished");
}
