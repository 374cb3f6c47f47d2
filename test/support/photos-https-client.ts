import { createGuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.js";
import { codeOf } from "../../src/errors.js";
import { createLogger } from "../../src/logger.js";

/** Run with NODE_EXTRA_CA_CERTS, which Node reads only at its start. Prints what became of each address, as JSON. */
const fetcher = createGuardedFetcher({
  config: { fetchAllowPrivate: true, fetchMaxBytes: 10_000, fetchPerHost: 4, fetchTimeoutMs: 20_000 },
  logger: createLogger("silent"),
  network: { resolve: async () => [{ address: "127.0.0.1", family: 4 }] },
});
const outcomes: string[] = [];
for (const url of process.argv.slice(2)) {
  try {
    outcomes.push((await fetcher.fetchBytes(url)).kind);
  } catch (error) {
    outcomes.push(codeOf(error));
  }
}
await fetcher.close();
console.log(JSON.stringify(outcomes));
