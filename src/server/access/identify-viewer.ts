import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../../config.js";
import type { Logger } from "../../logger.js";
import { Unauthenticated, type Viewer } from "../../viewer.js";
import { createTokenVerifier, type VerifyToken } from "./json-web-token.js";
import { digestSecret, equalSecrets } from "./secrets.js";

/** Settings that say who may ask. */
export type CredentialSettings = Pick<
  Config,
  | "adminToken"
  | "storefrontKey"
  | "storefrontKeys"
  | "jwksUrl"
  | "jwtIssuer"
  | "jwtAudience"
  | "jwtRolesClaim"
  | "jwtAdminRoles"
>;

/** Who sent these headers. @throws Unauthenticated, IdentityProviderUnreachable */
export type IdentifyViewer = (headers: IncomingHttpHeaders) => Promise<Viewer>;

/** The name of the key that has none of its own. */
const UNNAMED = "storefront";

/** A credential that is wrong is refused, never ignored. */
export function createIdentifyViewer(settings: CredentialSettings, logger: Logger): IdentifyViewer {
  const verifyToken = tokenVerifier(settings, logger);
  const findKey = keyFinder(settings);
  return async (headers) => {
    const { authorization } = headers;
    if (authorization !== undefined) return identifyBearer(authorization, settings.adminToken, verifyToken);
    if (findKey === undefined) return { role: "storefront", identified: false };
    const key = headers["x-storefront-key"];
    const name = typeof key === "string" ? findKey(key) : undefined;
    if (name === undefined) {
      throw new Unauthenticated("Send the storefront's key in the header X-Storefront-Key.");
    }
    return { role: "storefront", identified: true, name };
  };
}

async function identifyBearer(
  authorization: string,
  adminToken: string | undefined,
  verifyToken: VerifyToken | undefined,
): Promise<Viewer> {
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (token !== undefined && adminToken !== undefined && equalSecrets(token, adminToken)) {
    return { role: "admin", identified: true };
  }
  if (token !== undefined && verifyToken !== undefined) return verifyToken(token);
  throw new Unauthenticated("The bearer token is not the administrator's. See adminToken in docs/configuration.md.");
}

function tokenVerifier(settings: CredentialSettings, logger: Logger): VerifyToken | undefined {
  const { jwksUrl, jwtIssuer: issuer, jwtAudience: audience } = settings;
  // loadConfig takes all three or none.
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) return undefined;
  const { jwtRolesClaim: rolesClaim, jwtAdminRoles: adminRoles } = settings;
  return createTokenVerifier({ jwksUrl, issuer, audience, rolesClaim, adminRoles }, logger);
}

/** Name of a key; undefined altogether when no key is asked for. Every key is compared, whichever fits. */
function keyFinder({
  storefrontKey,
  storefrontKeys,
}: CredentialSettings): ((key: string) => string | undefined) | undefined {
  const keys = Object.entries(storefrontKeys).map(([name, key]) => ({ name, digest: digestSecret(key) }));
  if (storefrontKey !== undefined) keys.push({ name: UNNAMED, digest: digestSecret(storefrontKey) });
  if (keys.length === 0) return undefined;
  return (given) => {
    const digest = digestSecret(given);
    return keys.filter((key) => timingSafeEqual(key.digest, digest)).at(0)?.name;
  };
}
