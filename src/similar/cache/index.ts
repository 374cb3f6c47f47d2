export {
  type CacheCounters,
  type CachedSimilarItems,
  createCachedSimilarItems,
} from "./cached-similar-items.js";
