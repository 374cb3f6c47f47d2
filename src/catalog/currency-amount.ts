/** How many decimals a currency has: 2 for EUR, 0 for JPY. A code that nobody uses has 2. */
export function currencyDigits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/** 1990n of EUR is `19.90`. */
export function formatAmount(minor: bigint, currency: string): string {
  const digits = currencyDigits(currency);
  const sign = minor < 0n ? "-" : "";
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** `19.90` of EUR is 1990n; undefined when it has more decimals than the currency, other than zeros. */
export function parseAmount(amount: string, currency: string): bigint | undefined {
  const match = /^(-?)(\d{1,18})(?:\.(\d+?)0*)?$/.exec(amount);
  if (!match) return undefined;
  const [, sign, whole, fraction = ""] = match;
  const digits = currencyDigits(currency);
  const kept = fraction === "0" ? "" : fraction;
  if (kept.length > digits) return undefined;
  return BigInt(`${sign}${whole}${kept.padEnd(digits, "0")}`);
}
