import currencies from "currency-codes";
import { BadUserInput } from "../../errors.js";
import { parsePrice } from "../feeds/feed-price.js";
import type { Money } from "./catalog-event.type.js";

/** Decimals of the currencies met so far: the package goes through all of them for each question. */
const digitsOf = new Map<string, number>();

function decimals(currency: string): number {
  const known = digitsOf.get(currency);
  if (known !== undefined) return known;
  const found = currencies.code(currency);
  // What is no currency is not kept, because there is no end to that.
  if (found) digitsOf.set(currency, found.digits);
  return found?.digits ?? 2;
}

/** 1990n of EUR is `19.90`; decimals as ISO 4217 has them. */
export function formatAmount(minor: bigint, currency: string): string {
  const digits = decimals(currency);
  const sign = minor < 0n ? "-" : "";
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * A decimal amount of a currency.
 * @param field of the caller's input that holds the amount
 * @throws BadUserInput for an unknown currency, a negative amount, or more decimals than the currency has
 */
export function parseAmount(amount: string, currency: string, field: readonly string[]): Money {
  const price = parsePrice(`${amount} ${currency}`, currency);
  if ("code" in price) throw new BadUserInput(price.reason, field);
  return price;
}
