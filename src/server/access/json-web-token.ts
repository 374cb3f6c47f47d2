import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LookalikeError, messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";
import { Unauthenticated, type Viewer } from "../../viewer.js";

/** Where tokens come from and what makes one an administrator's. */
export interface TokenSettings {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** A claim, or the way to it through objects: `roles`, `realm_access.roles`, `https://shop.example/roles`. */
  readonly rolesClaim: string;
  readonly adminRoles: readonly string[];
}

/** Who holds a token. @throws Unauthenticated, IdentityProviderUnreachable */
export type VerifyToken = (token: string) => Promise<Viewer>;

/** The keys that tokens are verified with cannot be had, so that nobody knows whether a token is right. */
export class IdentityProviderUnreachable extends LookalikeError {
  readonly code = "IDENTITY_PROVIDER_UNREACHABLE";

  constructor(cause: unknown) {
    super("The identity provider's keys cannot be read at the moment. Try again later.", { cause });
  }
}

/** Signatures by private keys only: with an HMAC, whoever can read the public keys could sign. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
const FETCH_WITHIN_MS = 3_000;
/** Keys that the provider has withdrawn are believed no longer than this. */
const KEYS_LIVE_MS = 10 * 60_000;
/** A token with a key that is not known has the keys read again, at most this often. */
const KEYS_AGAIN_MS = 30_000;
/** After a failed reading nobody waits for another one within this time. */
const FAILED_AGAIN_MS = 2_000;
const CLOCK_SECONDS = 30;

/** Verifies JSON Web Tokens (RFC 7519) against the keys that an identity provider publishes (RFC 7517). */
export function createTokenVerifier(settings: TokenSettings, logger: Logger): VerifyToken {
  const keys = reachableKeys(settings.jwksUrl, logger);
  return async (token) => {
    const payload = await verify(token, keys, settings);
    const isAdmin = rolesOf(payload, settings.rolesClaim).some((role) => settings.adminRoles.includes(role));
    const name = payload.sub === undefined ? {} : { name: payload.sub };
    return { role: isAdmin ? "admin" : "storefront", identified: true, ...name };
  };
}

/** The provider's keys, kept and read again as they rotate. */
function reachableKeys(jwksUrl: string, logger: Logger): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: FETCH_WITHIN_MS,
    cacheMaxAge: KEYS_LIVE_MS,
    cooldownDuration: KEYS_AGAIN_MS,
  });
  let failure: { readonly error: IdentityProviderUnreachable; readonly at: number } | undefined;
  return async (header, token) => {
    // jose waits between two readings that went well, but asks a provider that is down again for every token.
    if (failure && !keys.fresh && Date.now() - failure.at < FAILED_AGAIN_MS) throw failure.error;
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JOSENotSupported) throw error;
      if (error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      logger.error({ reason: messageOf(error), jwksUrl }, "the identity provider's keys cannot be read");
      failure = { error: new IdentityProviderUnreachable(error), at: Date.now() };
      throw failure.error;
    }
  };
}

async function verify(token: string, keys: JWTVerifyGetKey, settings: TokenSettings): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_SECONDS,
      // A token that never ends cannot be withdrawn.
      requiredClaims: ["exp"],
    });
    return payload;
  } catch (error) {
    if (error instanceof IdentityProviderUnreachable) throw error;
    throw new Unauthenticated(`The bearer token is not valid: ${reasonOf(error)}.`, { cause: error });
  }
}

/** jose's messages may repeat claims; these are our own. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim "${error.claim}" is not what it must be`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JOSEAlgNotAllowed) return "its algorithm is not allowed";
  if (error instanceof errors.JWKSNoMatchingKey) return "the identity provider has no key for it";
  return "it cannot be read as a signed token";
}

function rolesOf(payload: JWTPayload, claim: string): string[] {
  // Names that are addresses hold dots themselves, so that the whole name is looked for first.
  const value = Object.hasOwn(payload, claim) ? payload[claim] : claim.split(".").reduce<unknown>(ownEntry, payload);
  if (typeof value === "string") return value.split(" ");
  return Array.isArray(value) ? value.filter((role) => typeof role === "string") : [];
}

function ownEntry(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, name)) return undefined;
  return (holder as Record<string, unknown>)[name];
}
