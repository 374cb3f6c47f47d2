import type { Money, ProductStatus, Split } from "../products/catalog-event.type.js";
import { quote } from "../products/product-rules.js";
import type { RowProblem } from "./feed-entry.type.js";
import { parsePrice } from "./feed-price.js";

/** A row cannot become a product; caught where rows are normalised. */
export class RowRefused extends Error {
  constructor(readonly problem: RowProblem) {
    super(problem.reason);
  }
}

function refuse(code: RowProblem["code"], reason: string): never {
  throw new RowRefused({ code, reason });
}

const IN_STOCK: Readonly<Record<string, boolean>> = {
  instock: true,
  limitedavailability: true,
  outofstock: false,
  soldout: false,
  discontinued: false,
  preorder: false,
  backorder: false,
};

/** `in_stock`, `in stock` and `https://schema.org/InStock` alike; only what can be sent now is in stock. */
export function readAvailability(text: string | undefined): boolean {
  if (text === undefined) return true;
  const word = text
    .replace(/^https?:\/\/schema\.org\//i, "")
    .toLowerCase()
    .replace(/[^a-z]/g, "");
  if (Object.hasOwn(IN_STOCK, word)) return IN_STOCK[word] ?? true;
  const allowed = "in_stock, out_of_stock, preorder or backorder";
  return refuse("AVAILABILITY_UNKNOWN", `The availability ${quote(text)} is not one of ${allowed}.`);
}

export function readStatus(text: string | undefined): ProductStatus {
  const word = text?.toUpperCase() ?? "ACTIVE";
  if (word === "ACTIVE" || word === "DRAFT" || word === "ARCHIVED") return word;
  return refuse("STATUS_UNKNOWN", `The status ${quote(word)} is not one of active, draft or archived.`);
}

export function readSplit(text: string | undefined): Split | undefined {
  switch (text?.toLowerCase()) {
    case undefined:
      return undefined;
    case "train":
      return "TRAIN";
    case "val":
    case "validation":
      return "VALIDATION";
    case "test":
      return "TEST";
    default:
      return refuse("SPLIT_UNKNOWN", `The split ${quote(text ?? "")} is not one of train, validation or test.`);
  }
}

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

/** ISO 8601; a time without a zone is UTC. */
export function readTime(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const iso = text.trim().replace(" ", "T").replace(/\s/g, "");
  const hasZone = iso.length <= 10 || /(?:Z|[+-]\d{2}:?\d{2})$/i.test(iso.slice(10));
  const time = ISO_8601.test(text.trim()) ? new Date(hasZone ? iso : `${iso}Z`) : undefined;
  if (time && !Number.isNaN(time.getTime())) return time;
  return refuse("DATE_INVALID", `The time ${quote(text)} is not ISO 8601, such as 2026-01-31T12:00:00Z.`);
}

/** The price that a shopper pays now: the sale's while it lasts, see Merchant's sale_price_effective_date. */
export function readPrice(
  prices: { readonly regular?: string; readonly sale?: string; readonly saleDates?: string },
  currency: string,
): Money | undefined {
  const money = (text: string | undefined) => {
    if (text === undefined) return undefined;
    const price = parsePrice(text, currency);
    if ("code" in price) throw new RowRefused(price);
    return price;
  };
  const regular = money(prices.regular);
  const sale = money(prices.sale);
  return sale && isNow(prices.saleDates) ? sale : regular;
}

function isNow(range: string | undefined): boolean {
  if (range === undefined) return true;
  const [from, to] = range.split("/", 2);
  const start = readTime(from);
  const end = readTime(to);
  const now = Date.now();
  return (!start || start.getTime() <= now) && (!end || now <= end.getTime());
}
