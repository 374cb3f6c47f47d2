import { collectDefaultMetrics, Registry } from "prom-client";
import type { Database } from "../../database/database.type.js";
import { type RecallSources, startIndexRecall } from "./index-recall.js";
import { createShopGauges, type ShopSources } from "./shop-gauges.js";
import { createTrafficMeters, type TrafficMeters } from "./traffic-meters.js";

export type MetricsSources = ShopSources & RecallSources & { readonly database: Database };

/** The figures of one server, apart from those of any other in the process. */
export interface Metrics extends Pick<TrafficMeters, "request" | "operation"> {
  readonly contentType: string;
  /** As text for Prometheus. */
  read(): Promise<string>;
  close(): void;
}

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const traffic = createTrafficMeters(registry);
  const gauges = createShopGauges(registry, sources);
  const stopListening = sources.database.onStatement(traffic.statement);
  // The embedded database has no index.
  const recall = sources.database.kind === "postgres" ? startIndexRecall(registry, sources, sources.logger) : undefined;
  let ofProcess = false;
  return {
    request: traffic.request,
    operation: traffic.operation,
    contentType: registry.contentType,
    async read() {
      // Watching the event loop and the garbage collector costs a little; nobody pays who does not look.
      if (!ofProcess) collectDefaultMetrics({ register: registry });
      ofProcess = true;
      await gauges.read();
      return registry.metrics();
    },
    close() {
      stopListening();
      recall?.stop();
      registry.clear();
    },
  };
}
