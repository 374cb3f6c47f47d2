import type { IncomingHttpHeaders } from "node:http";

const LONGEST = 200;

/** The visitor's key that a request was sent with; none for an empty or endless one. */
export function visitorOf(headers: IncomingHttpHeaders): { readonly visitor?: string } {
  const key = headers["x-visitor-key"];
  return typeof key === "string" && key !== "" && key.length <= LONGEST ? { visitor: key } : {};
}
