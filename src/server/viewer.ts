import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../config.js";
import { LookalikeError } from "../errors.js";
import type { Viewer } from "./graphql-context.type.js";

export class Unauthenticated extends LookalikeError {
  readonly code = "UNAUTHENTICATED";
}

export class Forbidden extends LookalikeError {
  readonly code = "FORBIDDEN";
}

/**
 * Who sent these headers. A credential that is wrong is refused, never ignored.
 * @throws Unauthenticated
 */
export function identifyViewer(
  headers: IncomingHttpHeaders,
  { adminToken, storefrontKey }: Pick<Config, "adminToken" | "storefrontKey">,
): Viewer {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (adminToken === undefined || token === undefined || !equalSecrets(token, adminToken)) {
      throw new Unauthenticated(
        "The bearer token is not the administrator's. See adminToken in docs/configuration.md.",
      );
    }
    return { role: "admin", identified: true };
  }
  if (storefrontKey === undefined) return { role: "storefront", identified: false };
  const key = headers["x-storefront-key"];
  if (typeof key !== "string" || !equalSecrets(key, storefrontKey)) {
    throw new Unauthenticated("Send the storefront's key in the header X-Storefront-Key.");
  }
  return { role: "storefront", identified: true };
}

/**
 * For fields under `@Authorized("ADMIN")`.
 * @throws Unauthenticated for an anonymous caller, Forbidden for a storefront
 */
export function requireRoles(viewer: Viewer, roles: readonly string[]): boolean {
  if (viewer.role === "admin" || !roles.includes("ADMIN")) return true;
  if (viewer.identified) throw new Forbidden("This is for administrators; a storefront's key is not enough.");
  throw new Unauthenticated("This is for administrators: send Authorization: Bearer with the admin token.");
}

/** Digests have one length, so that the comparison takes as long for any guess. */
function equalSecrets(given: string, expected: string): boolean {
  const digest = (secret: string): Buffer => createHash("sha256").update(secret).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
