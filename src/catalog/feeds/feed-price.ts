import currencies from "currency-codes";
import type { Money } from "../products/catalog-event.type.js";
import { quote } from "../products/product-rules.js";
import type { RowProblem } from "./feed-entry.type.js";

const PRICE = /^(?:([A-Za-z]{3})\s*)?([-−]?)(\d{1,15})(?:([.,])(\d{1,15}))?(?:\s*([A-Za-z]{3}))?$/;

/**
 * Reads `15.00 USD`, `USD 15`, `15,00 EUR` or `15.00` into the currency's smallest unit (ISO 4217). Thousands marks
 * and currency signs are refused, because `1,500` and `$` mean different amounts in different shops: a comma is a
 * decimal mark only before exactly two digits. More decimals than the currency has are taken when they are zeros and
 * cannot be a thousands group (`1500.00 JPY`).
 */
export function parsePrice(text: string, defaultCurrency: string): Money | RowProblem {
  const match = PRICE.exec(text.trim());
  if (!match) return invalid(text, "Write it as 15.00 USD.");
  const [, before, minus, whole = "", mark, fraction = "", after] = match;
  if (before !== undefined && after !== undefined) return invalid(text, "It names two currencies.");
  const currency = (before ?? after ?? defaultCurrency).toUpperCase();
  const digits = currencies.code(currency)?.digits;
  if (digits === undefined) {
    return {
      code: "CURRENCY_UNKNOWN",
      reason: `The currency ${currency} of the price ${quote(text)} is not ISO 4217.`,
    };
  }
  if (mark === "," && fraction.length !== 2) return invalid(text, "Leave thousands marks out, as in 1500.00 USD.");
  const extra = fraction.slice(digits);
  if (extra !== "" && (/[^0]/.test(extra) || fraction.length === 3)) {
    return invalid(text, `${currency} has ${digits} decimals.`);
  }
  const minor = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  if (minus && minor > 0n) return { code: "PRICE_NEGATIVE", reason: `The price ${quote(text)} is negative.` };
  return { minor, currency };
}

function invalid(text: string, hint: string): RowProblem {
  return { code: "PRICE_INVALID", reason: `The price ${quote(text)} cannot be read. ${hint}` };
}
