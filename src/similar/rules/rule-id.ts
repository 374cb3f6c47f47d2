const LARGEST = 2n ** 63n - 1n;

/** A rule's id as callers see it. */
export function formatRuleId(id: bigint): string {
  return `rule_${id}`;
}

/** The database id behind `rule_3`; undefined for anything else. */
export function parseRuleId(text: string): bigint | undefined {
  const digits = /^rule_(\d{1,19})$/.exec(text)?.[1];
  if (digits === undefined || BigInt(digits) > LARGEST) return undefined;
  return BigInt(digits);
}
