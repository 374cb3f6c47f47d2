import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import ipaddr from "ipaddr.js";
import type { Config } from "../../config.js";
import { LookalikeError } from "../../errors.js";
import type { Logger } from "../../logger.js";
import type { Viewer } from "../../viewer.js";

export type RateSettings = Pick<
  Config,
  "rateLimit" | "rateLimitBurst" | "rateLimitPictures" | "rateLimitPerKey" | "trustProxy"
>;

export class RateLimited extends LookalikeError {
  readonly code = "RATE_LIMITED";

  constructor(
    what: string,
    readonly retryAfterSeconds: number,
  ) {
    super(`Too many ${what}. Ask again in ${retryAfterSeconds} s.`);
  }
}

/** Counts what each address and each key sends, in this process. All throw RateLimited. */
export interface RateLimits {
  /** A request. Administrators are not counted. */
  request(request: FastifyRequest, viewer: Viewer): Promise<void>;
  /** Searches by picture, each of which costs as much as hundreds of other searches. */
  pictures(request: FastifyRequest, viewer: Viewer, count: number): Promise<void>;
  /** Before a credential is looked at: whether this address showed too many wrong ones. */
  beforeCredential(request: FastifyRequest): Promise<void>;
  wrongCredential(request: FastifyRequest): Promise<void>;
}

type Limiter = ReturnType<FastifyInstance["createRateLimit"]>;

const SECOND = 1_000;
const MINUTE = 60_000;
/** Wrong tokens and keys a minute. */
const GUESSES = 60;
/** Addresses that are remembered; the one that was seen least lately is forgotten first. */
const REMEMBERED = 10_000;

/** Bounded, whoever asks: an IPv6 network of 64 bits counts as one address. */
export async function createRateLimits(
  server: FastifyInstance,
  settings: RateSettings,
  logger: Logger,
): Promise<RateLimits> {
  await server.register(rateLimit, { global: false, cache: REMEMBERED });
  const limiter = (max: number, timeWindow: number, keyOf: (request: FastifyRequest) => string): Limiter | undefined =>
    max === 0 ? undefined : server.createRateLimit({ max, timeWindow, keyGenerator: keyOf });
  const address = (request: FastifyRequest): string => normalizeIP(request.ip);
  const limiters = {
    minute: limiter(settings.rateLimit, MINUTE, address),
    burst: limiter(settings.rateLimitBurst, SECOND, address),
    pictures: limiter(settings.rateLimitPictures, MINUTE, address),
    key: limiter(settings.rateLimitPerKey, MINUTE, ({ viewer }) => viewer?.name ?? ""),
    guesses: limiter(GUESSES, MINUTE, address),
  };
  const isCounted = addressRule(settings, logger);

  return {
    async request(request, viewer) {
      if (viewer.role === "admin") return;
      if (viewer.name !== undefined) await take(limiters.key, request, "requests with this storefront's key");
      if (!isCounted(request)) return;
      await take(limiters.burst, request, "requests at once");
      await take(limiters.minute, request, "requests");
    },
    async pictures(request, viewer, count) {
      if (viewer.role === "admin" || !isCounted(request)) return;
      for (let taken = 0; taken < count; taken += 1) await take(limiters.pictures, request, "searches by picture");
    },
    async beforeCredential(request) {
      if (!isCounted(request)) return;
      const state = await limiters.guesses?.(request, { increment: false });
      if (state?.isAllowed === false && state.remaining === 0) throw tooMany("wrong tokens or keys", state);
    },
    async wrongCredential(request) {
      if (isCounted(request)) await limiters.guesses?.(request);
    },
  };
}

async function take(limiter: Limiter | undefined, request: FastifyRequest, what: string): Promise<void> {
  const state = await limiter?.(request);
  if (state?.isAllowed === false && state.isExceeded) throw tooMany(what, state);
}

function tooMany(what: string, { ttlInSeconds }: { readonly ttlInSeconds: number }): RateLimited {
  return new RateLimited(what, Math.max(1, ttlInSeconds));
}

/**
 * A private address belongs to a proxy or to a server of the shop's own, behind which all shoppers are: it is counted only
 * where `trustProxy` tells the two apart.
 */
function addressRule(
  { trustProxy }: Pick<RateSettings, "trustProxy">,
  logger: Logger,
): (request: FastifyRequest) => boolean {
  let warned = false;
  return ({ ip, headers }) => {
    if (trustProxy.length > 0) return true;
    if (headers["x-forwarded-for"] !== undefined && !warned) {
      warned = true;
      logger.warn(
        "requests come by way of a proxy; set trustProxy, so that rate limits count shoppers and not proxies",
      );
    }
    return ipaddr.isValid(ip) && ipaddr.process(ip).range() === "unicast";
  };
}
