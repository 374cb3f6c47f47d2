import { LookalikeError } from "./errors.js";

/** Who asks. A storefront is anonymous when the server asks for no key. */
export interface Viewer {
  readonly role: "admin" | "storefront";
  /** Whether a credential was shown. */
  readonly identified: boolean;
  /** Name of the storefront's key, or subject of the token. */
  readonly name?: string;
}

/** No credential, or a wrong one. */
export class Unauthenticated extends LookalikeError {
  readonly code = "UNAUTHENTICATED";
}

/** The credential is right, but not enough. */
export class Forbidden extends LookalikeError {
  readonly code = "FORBIDDEN";
}

/**
 * For what only administrators may do.
 * @param what the subject of the sentence that a refused caller reads, such as "Choosing the model"
 * @throws Unauthenticated for an anonymous caller, Forbidden for a storefront
 */
export function assertAdministrator(viewer: Viewer, what = "This"): void {
  if (viewer.role === "admin") return;
  if (viewer.identified) throw new Forbidden(`${what} is for administrators; a storefront's key is not enough.`);
  throw new Unauthenticated(`${what} is for administrators: send Authorization: Bearer with the admin token.`);
}

/** For fields under `@Authorized(…)`. @throws Unauthenticated, Forbidden */
export function requireRoles(viewer: Viewer, roles: readonly string[]): boolean {
  if (roles.includes("ADMIN")) assertAdministrator(viewer);
  return true;
}
