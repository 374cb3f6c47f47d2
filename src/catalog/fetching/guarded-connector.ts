import type { LookupAddress } from "node:dns";
import dns from "node:dns/promises";
import net from "node:net";
import { buildConnector } from "undici";
import { messageOf } from "../../errors.js";
import { addressRefusal } from "./guarded-address.js";
import { FetchFailed } from "./guarded-fetch.error.js";

/** How names become addresses. Tests put their own in, to be a resolver that lies. */
export interface Network {
  resolve(hostname: string): Promise<readonly LookupAddress[]>;
  /** Where a checked address is really dialled; tests lead public ones to loopback. Absent: there. */
  route?(address: LookupAddress): LookupAddress;
}

/** The machine's resolver, hosts file included. */
export const systemNetwork: Network = { resolve: (hostname) => dns.lookup(hostname, { all: true }) };

/**
 * A connector for undici that resolves a name once and dials only the addresses of that answer which it has checked,
 * so that a second, different answer (DNS rebinding) has no effect. TLS still names and verifies the host name.
 */
export function createGuardedConnector(options: {
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
  readonly network: Network;
}): buildConnector.connector {
  const { allowPrivate, network } = options;

  const checkedAddresses = async (hostname: string): Promise<LookupAddress[]> => {
    let answers: readonly LookupAddress[];
    try {
      answers = await network.resolve(hostname);
    } catch (error) {
      throw new FetchFailed(
        "FETCH_DNS_FAILED",
        `${hostname} has no address: ${messageOf(error)}.`,
        {},
        { cause: error },
      );
    }
    const [first] = answers;
    if (first === undefined) throw new FetchFailed("FETCH_DNS_FAILED", `${hostname} has no address.`);
    const allowed = answers.filter(({ address }) => addressRefusal(address, allowPrivate) === undefined);
    if (allowed.length === 0) throw refused(hostname, addressRefusal(first.address, allowPrivate) ?? "");
    return allowed.map((answer) => network.route?.(answer) ?? answer);
  };

  const lookup: net.LookupFunction = (hostname, { all, family }, callback) => {
    checkedAddresses(hostname).then(
      (addresses) => {
        if (all) return callback(null, addresses);
        const one = addresses.find((answer) => !family || answer.family === family) ?? addresses[0]!;
        callback(null, one.address, one.family);
      },
      (error: Error) => callback(error, []),
    );
  };

  // HTTP/2 would let one connection serve other names of the same certificate.
  const dial = buildConnector({ timeout: options.timeoutMs, allowH2: false, lookup });

  return (target, callback) => {
    const literal = target.hostname.replace(/^\[|\]$/g, "");
    // Node asks no lookup for a literal address.
    if (net.isIP(literal) !== 0) {
      const reason = addressRefusal(literal, allowPrivate);
      if (reason !== undefined) return callback(refused(literal, reason), null);
    }
    dial(target, callback);
  };
}

function refused(host: string, reason: string): FetchFailed {
  return new FetchFailed("FETCH_ADDRESS_REFUSED", `${host} ${reason}. Only public addresses are fetched.`);
}
