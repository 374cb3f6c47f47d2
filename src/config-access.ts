import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { z } from "zod";

const limit = z.coerce.number().int().min(0);
const words = z.union([z.string().transform((list) => list.split(/[\s,]+/).filter(Boolean)), z.array(z.string())]);

/** What `trustProxy` may name: hops, or the networks that proxies are in. `true` would let everybody choose an address. */
function isProxy(name: string): boolean {
  if (/^(loopback|linklocal|uniquelocal)$/.test(name)) return true;
  return isIP(name.split("/", 1)[0] ?? "") !== 0 && (isIP(name) !== 0 || ipaddr.isValidCIDR(name));
}

/** `web=KEY,app=KEY`. What has no name is a mistake, which an empty name tells. */
function toNamedKeys(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(/[\s,]+/)
      .filter(Boolean)
      .map((pair) => [pair.slice(0, Math.max(0, pair.indexOf("="))), pair.slice(pair.indexOf("=") + 1)]),
  );
}

const namedKeys = z.record(z.string().min(1, "must have a name: NAME=KEY"), z.string().min(1));

/** Settings that say who may ask, how often, and what may be kept of the answers. */
export const accessSettings = {
  adminToken: z
    .string()
    .min(16)
    .optional()
    .describe("Bearer token of administrators. Unset: the server makes one and keeps it in the data folder."),
  storefrontKey: z
    .string()
    .min(1)
    .optional()
    .describe("Key that public queries must carry in X-Storefront-Key, when set."),
  storefrontKeys: z
    .union([z.string().transform(toNamedKeys).pipe(namedKeys), namedKeys])
    .default({})
    .describe("More such keys, each with a name: NAME=KEY separated by commas, in the file an object."),
  jwksUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Address of an identity provider's keys (JWKS). Its tokens are taken beside the admin token."),
  jwtIssuer: z.string().min(1).optional().describe("Who must have issued such a token (iss)."),
  jwtAudience: z.string().min(1).optional().describe("Whom such a token must be for (aud)."),
  jwtRolesClaim: z
    .string()
    .min(1)
    .default("roles")
    .describe("Claim with the roles of its holder, such as realm_access.roles."),
  jwtAdminRoles: words.default(["admin"]).describe("Roles that make an administrator, separated by commas."),
  explorer: z
    .stringbool()
    .or(z.boolean())
    .default(true)
    .describe("Serve the GraphQL explorer and allow introspection. Off where NODE_ENV is production, unless set."),
  persistedQueries: z
    .string()
    .min(1)
    .optional()
    .describe("Manifest of the queries that shoppers may send; no other is answered. Unset: any."),
  cacheSeconds: limit
    .default(60)
    .describe("How long browsers and proxies may keep what shoppers are shown; 0 for not at all."),
  trustProxy: words
    .pipe(
      z.union([
        z.tuple([z.string().regex(/^[1-9]$/)]),
        z.array(z.string().refine(isProxy, "must be a number of proxies, or their addresses and networks")),
      ]),
    )
    .default([])
    .describe("Proxies whose X-Forwarded-For is believed: how many, or their addresses and networks."),
  rateLimit: limit.default(3_000).describe("Requests a minute of one shopper's address; 0 for any number."),
  rateLimitBurst: limit.default(300).describe("Requests a second of one shopper's address; 0 for any number."),
  rateLimitPictures: limit.default(60).describe("Searches by picture a minute of one address; 0 for any number."),
  rateLimitPerKey: limit
    .default(0)
    .describe("Requests a minute with one storefront key, whoever sends them; 0 for any number."),
  corsOrigins: words
    .pipe(z.array(z.string().regex(/^(\*|https?:\/\/[^/\s]+)$/, "must be origins such as https://shop.example, or *")))
    .default([])
    .describe("Origins of web pages that may ask from a browser, separated by commas; * allows any."),
};

/** @returns by way of `context`, which of the three are missing when one of them is set */
export function jwtSettingsBelongTogether(
  settings: { readonly jwksUrl?: unknown; readonly jwtIssuer?: unknown; readonly jwtAudience?: unknown },
  context: z.RefinementCtx,
): void {
  const names = ["jwksUrl", "jwtIssuer", "jwtAudience"] as const;
  if (names.every((name) => settings[name] === undefined)) return;
  for (const name of names.filter((missing) => settings[missing] === undefined)) {
    const message = "must be set too, so that tokens of others, or for others, are not taken";
    context.addIssue({ code: "custom", path: [name], message });
  }
}
