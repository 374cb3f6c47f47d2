import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** The id that whoever is in front has for the request, if it came with a plain one; otherwise a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w-]{1,100}$/.test(given) ? given : randomUUID();
}
