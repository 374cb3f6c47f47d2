import { once } from "node:events";
import type http from "node:http";
import type https from "node:https";
import type { AddressInfo } from "node:net";
import type { Network } from "../../src/catalog/fetching/guarded-connector.js";
import { createGuardedFetcher, type FetcherConfig } from "../../src/catalog/fetching/guarded-fetcher.js";
import type { GuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.type.js";
import { createLogger } from "../../src/logger.js";

export const fetcherConfig: FetcherConfig = {
  fetchAllowPrivate: false,
  fetchMaxBytes: 1_000_000,
  fetchPerHost: 2,
  fetchTimeoutMs: 20_000,
};
/** Gives `work` a fetcher over this network and closes it afterwards. */
export function withFetcher(network: Network, changes: Partial<FetcherConfig> = {}) {
  return async (work: (fetcher: GuardedFetcher) => Promise<void>) => {
    const fetcher = createGuardedFetcher({
      config: { ...fetcherConfig, ...changes },
      logger: createLogger("silent"),
      network,
    });
    try {
      await work(fetcher);
    } finally {
      await fetcher.close();
    }
  };
}

/** Listens on loopback. @returns the port */
export async function listen(server: http.Server | https.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
