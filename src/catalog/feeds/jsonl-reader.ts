import { isUtf8 } from "node:buffer";
import { messageOf } from "../../errors.js";
import { type FeedEntry, type FeedEntryContent, MAX_FIELD_BYTES, MAX_ROW_BYTES } from "./feed-entry.type.js";

/** Reads JSON Lines: one object a line, empty lines allowed. A broken line costs only itself. */
export async function* readJsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<FeedEntry> {
  let line = 0;
  for await (const bytes of linesOf(chunks)) {
    line += 1;
    if (bytes === "too long") {
      const reason = `The line is longer than ${MAX_ROW_BYTES} bytes.`;
      yield { line, problem: { code: "LINE_TOO_LONG", reason } };
      continue;
    }
    if (!isUtf8(bytes)) {
      yield { line, problem: { code: "NOT_UTF8", reason: "The line is not UTF-8. Save the file as UTF-8." } };
      continue;
    }
    const text = bytes.toString("utf8").trim();
    if (text !== "") yield { line, ...toRow(text) };
  }
}

/** Lines without their end. One that grows too long is passed over without being kept. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | "too long"> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    length += part.length;
    if (length > MAX_ROW_BYTES) parts = [];
    else parts.push(part);
  };
  const finish = (): Buffer | "too long" => {
    const whole = length > MAX_ROW_BYTES ? "too long" : Buffer.concat(parts);
    parts = [];
    length = 0;
    return whole;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      add(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}

function toRow(text: string): FeedEntryContent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: { code: "BROKEN_JSON", reason: `The line is not JSON: ${messageOf(error)}.` } };
  }
  if (!isObject(value)) return { problem: { code: "BROKEN_JSON", reason: "The line is not a JSON object." } };
  const row = new Map<string, string[]>();
  flatten(value, "", row);
  for (const [column, values] of row) {
    // A UTF-16 code unit is at most three bytes, so the exact count is needed only for the longest.
    const bytes = values.reduce(
      (sum, item) => sum + (item.length * 3 > MAX_FIELD_BYTES ? Buffer.byteLength(item) : 0),
      0,
    );
    if (bytes > MAX_FIELD_BYTES) {
      const reason = `The value of ${column} has ${bytes} bytes; at most ${MAX_FIELD_BYTES} are allowed.`;
      return { problem: { code: "FIELD_TOO_LARGE", reason } };
    }
  }
  return { row };
}

/** `{"price": {"value": 15, "currency": "EUR"}}` as Google's own JSON has it. */
function asPrice(value: Readonly<Record<string, unknown>>): string | undefined {
  const amount = value.value ?? value.amount;
  const isAmount = typeof amount === "string" || typeof amount === "number";
  return isAmount && typeof value.currency === "string" ? `${amount} ${value.currency}` : undefined;
}

/**
 * Objects within the row become columns named by their path, `attributes` by the names inside; lists of scalars become
 * several values; lists of objects have no meaning as attributes and are left out.
 */
function flatten(
  object: Readonly<Record<string, unknown>>,
  prefix: string,
  row: Map<string, string[]>,
  depth = 0,
): void {
  for (const [key, value] of Object.entries(object)) {
    const column = prefix + key;
    if (isObject(value)) {
      const price = asPrice(value);
      if (price !== undefined) row.set(column, [price]);
      else if (depth < 4) flatten(value, column === "attributes" ? "" : `${column}.`, row, depth + 1);
      continue;
    }
    const values = (Array.isArray(value) ? value : [value]).filter(isScalar).map(String);
    if (values.length > 0) row.set(column, values);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
