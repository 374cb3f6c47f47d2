import type { Database } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import { writePhotosInBulk } from "./bulk-photo-vectors.js";
import { countPhotos, findGaps, lackingPage, refreshStale } from "./model-completeness.repository.js";
import { createNeighbourSearch } from "./neighbour-search.js";
import { createPartitions, dropPartitions } from "./partitions.js";
import { missingPhotoVectors, writePhotoVectors } from "./photo-vectors.repository.js";
import { refreshProducts, refreshProductsShowing } from "./product-vectors.repository.js";
import { calibrate, createScoreScales } from "./score-scales.js";
import { createSelectivity } from "./selectivity.js";
import { ensureIndex, HNSW_FROM_PRODUCTS } from "./vector-index.js";
import { createVectorReaders } from "./vector-readers.js";
import type { Vectors } from "./vectors.type.js";

export interface VectorsDependencies {
  readonly database: Database;
  readonly logger: Logger;
  /** Products from which on an HNSW index is built. */
  readonly hnswFromProducts?: number;
}

/** The vectors stage over one database. */
export function createVectors({
  database,
  logger,
  hnswFromProducts = HNSW_FROM_PRODUCTS,
}: VectorsDependencies): Vectors {
  const selectivity = createSelectivity(database, logger);
  const scales = createScoreScales(database, logger);
  return {
    createPartitions,
    dropPartitions,
    writePhotos: writePhotoVectors,
    refresh: refreshProducts,
    refreshShowing: refreshProductsShowing,
    missing: missingPhotoVectors,
    writePhotosInBulk: (modelId, rows) => writePhotosInBulk(database, modelId, rows),
    lackingPage,
    countPhotos,
    refreshStale,
    findGaps,
    async ensureIndex(modelId) {
      const scan = await ensureIndex(database, logger, modelId, hnswFromProducts);
      selectivity.forget(modelId);
      return scan;
    },
    async calibrate(modelId) {
      await calibrate(database, logger, modelId);
      scales.forget(modelId);
    },
    scales,
    search: createNeighbourSearch(database, selectivity),
    readers: createVectorReaders(database),
  };
}
