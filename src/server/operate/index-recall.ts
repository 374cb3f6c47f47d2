import { Counter, Gauge, type Registry } from "prom-client";
import type { Database } from "../../database/database.type.js";
import { messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";
import type { ModelVersions } from "../../models/model-version.type.js";
import type { NeighbourSearch, WindowRequest } from "../../vectors/index.js";
import { drawProduct } from "./shop-numbers.repository.js";

export interface RecallSources {
  readonly database: Pick<Database, "query">;
  readonly models: Pick<ModelVersions, "active">;
  readonly search: Pick<NeighbourSearch, "windows">;
}

const NEIGHBOURS = 20;
/** Distances of one pair may differ in the last bits between the two scans. */
const SAME_DISTANCE = 1e-6;
const SAMPLES_KEPT = 60;
const PAUSE_MS = 60_000;
/** An exact scan of millions of products takes a core for seconds: it gets at most a hundredth of the time. */
const PAUSE_FACTOR = 100;

/**
 * Share of one product's 20 nearest neighbours by an exact scan that the index finds as well; undefined where no index
 * is used, and without products. Products of equal distance stand for each other.
 */
export async function sampleIndexRecall({ database, models, search }: RecallSources): Promise<number | undefined> {
  const { id: modelId } = await models.active();
  const product = await drawProduct(database, modelId);
  if (product === undefined) return undefined;
  const distances = async (scan: WindowRequest["scan"]): Promise<{ scan: string; all: number[] } | undefined> => {
    const { windows } = await search.windows({
      modelId,
      seeds: { by: "product", ids: [product] },
      filter: {},
      sameCategory: false,
      oneOfGroup: false,
      match: "PRODUCT",
      limit: NEIGHBOURS,
      scan,
    });
    return windows[0] && { scan: windows[0].scan, all: windows[0].items.map(({ distance }) => distance) };
  };
  const found = await distances("auto");
  if (found?.scan !== "hnsw") return undefined;
  const exact = (await distances("exact"))?.all ?? [];
  const last = exact.at(-1);
  if (last === undefined) return undefined;
  return found.all.filter((distance) => distance <= last + SAME_DISTANCE).length / exact.length;
}

/** Samples once a minute until it is stopped, and shows the mean of the last hour. */
export function startIndexRecall(
  registry: Registry,
  sources: RecallSources,
  logger: Logger,
): { readonly stop: () => void } {
  const recent: number[] = [];
  const recall = new Gauge({
    name: "lookalike_index_recall_at_20",
    help: "Share of the 20 nearest neighbours that the index finds, mean of the last 60 samples; absent without one.",
    labelNames: ["model"],
    registers: [registry],
  });
  const samples = new Counter({
    name: "lookalike_index_recall_samples_total",
    help: "How often that was measured.",
    registers: [registry],
  });
  let model: number | undefined;
  let timer = later(PAUSE_MS);

  function later(ms: number): NodeJS.Timeout {
    return setTimeout(() => void sample(), ms).unref();
  }

  async function sample(): Promise<void> {
    const startedAt = performance.now();
    try {
      const { id } = await sources.models.active();
      if (id !== model) {
        recent.length = 0;
        recall.reset();
        model = id;
      }
      const found = await sampleIndexRecall(sources);
      if (found !== undefined) {
        recent.push(found);
        if (recent.length > SAMPLES_KEPT) recent.shift();
        recall.set({ model: id }, recent.reduce((sum, each) => sum + each, 0) / recent.length);
        samples.inc();
      }
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, "the recall of the index cannot be measured");
    }
    if (!stopped) timer = later(Math.max(PAUSE_MS, PAUSE_FACTOR * (performance.now() - startedAt)));
  }

  let stopped = false;
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
