import type { Sql } from "../database/database.type.js";
import { readAttributionToken, writeAttributionToken } from "./attribution-token.js";
import type { Attribution } from "./interaction.type.js";
import { AttributionExpired, AttributionInvalid } from "./interactions.errors.js";
import { createServerSecret } from "./server-secrets.js";

/** An answer's token holds for so long: longer than most shoppers take, and as long as advertisers look back. */
export const ATTRIBUTION_DAYS = 30;
const DAY_MS = 86_400_000;
/** Of another process's clock. */
export const CLOCK_LEEWAY_MS = 5 * 60_000;

export interface AttributionTokens {
  /** The token of an answer that is given now. */
  write(attribution: Omit<Attribution, "answeredAt">): Promise<string>;
  /** @throws AttributionInvalid, AttributionExpired */
  read(token: string): Promise<Attribution>;
}

/** Tokens that any process over this database reads. */
export function createAttributionTokens(sql: Sql, clock: () => Date = () => new Date()): AttributionTokens {
  const secret = createServerSecret(sql, "attribution");
  return {
    write: async (attribution) => writeAttributionToken({ ...attribution, answeredAt: clock() }, await secret()),
    async read(token) {
      const attribution = readAttributionToken(token, await secret());
      const age = clock().getTime() - attribution.answeredAt.getTime();
      if (age > ATTRIBUTION_DAYS * DAY_MS) throw new AttributionExpired(ATTRIBUTION_DAYS);
      if (age < -CLOCK_LEEWAY_MS) throw new AttributionInvalid();
      return attribution;
    },
  };
}
