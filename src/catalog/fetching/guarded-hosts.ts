import pLimit, { type LimitFunction } from "p-limit";

export interface HostLimits {
  /** Waits for a free slot of the host, then works in it. */
  run<T>(host: string, work: () => Promise<T>): Promise<T>;
  /** Hosts with work under way or waiting. */
  readonly size: number;
}

/** At most `perHost` pieces of work at once for one host. A host is forgotten when nothing of it is left. */
export function createHostLimits(perHost: number): HostLimits {
  const hosts = new Map<string, { readonly limit: LimitFunction; users: number }>();
  return {
    async run(host, work) {
      const entry = hosts.get(host) ?? { limit: pLimit(perHost), users: 0 };
      hosts.set(host, entry);
      entry.users += 1;
      try {
        return await entry.limit(work);
      } finally {
        entry.users -= 1;
        if (entry.users === 0) hosts.delete(host);
      }
    },
    get size() {
      return hosts.size;
    },
  };
}
