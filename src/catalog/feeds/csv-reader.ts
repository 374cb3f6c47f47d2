import { isUtf8 } from "node:buffer";
import { finished } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { quote } from "../products/product-rules.js";
import type { ColumnNamer } from "./feed-columns.js";
import { type FeedEntry, type FeedEntryContent, MAX_FIELD_BYTES, MAX_ROW_BYTES } from "./feed-entry.type.js";
import { FeedUnreadable } from "./feed-unreadable.error.js";

type CsvRecord = readonly (Buffer | string)[];

/**
 * Reads a table with a header line (RFC 4180; quotes inside unquoted values are taken as they are).
 * @param head first bytes, from which the delimiter of a CSV is told: comma, semicolon or tab
 * @param columnName gives our name of a column, to see that there is an id
 * @throws FeedUnreadable where nothing after the place can be trusted, such as a quote that is never closed
 */
export async function* readTable(
  chunks: AsyncIterable<Buffer>,
  head: Buffer,
  format: "csv" | "tsv",
  columnName: ColumnNamer,
): AsyncGenerator<FeedEntry> {
  let columns: string[] | undefined;
  let nextLine = 1;
  // csv-parse counts CRLF inside quotes as two line ends.
  let doubled = 0;
  const ready: FeedEntry[] = [];
  const parser = parse({
    delimiter: format === "tsv" ? "\t" : delimiterOf(head),
    // Values as bytes, so that wrong encoding is seen in the row where it is, not replaced silently.
    encoding: null,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    // Taken here and not from the stream's readable end, which drops the rows it holds when an error follows them.
    on_record(record: CsvRecord, { lines }) {
      const line = nextLine;
      doubled += countCrLf(record);
      nextLine = lines - doubled + 1;
      if (columns) ready.push({ line, ...toRow(columns, record) });
      else columns = headerOf(record, columnName);
      return null;
    },
  });
  const failures: unknown[] = [];
  const ended = finished(parser.resume()).catch((error: unknown) => failures.push(error));
  try {
    for await (const chunk of chunks) {
      await new Promise((resolve) => parser.write(chunk, resolve));
      yield* ready.splice(0);
      if (failures.length > 0) break;
    }
    parser.end();
    await ended;
    yield* ready.splice(0);
  } finally {
    parser.destroy();
  }
  const [failure] = failures;
  if (failure !== undefined) throw failure instanceof CsvError ? csvProblem(failure, nextLine) : failure;
  if (!columns) throw new FeedUnreadable("FEED_EMPTY", "The table has no header line.");
}

function toRow(columns: readonly string[], record: CsvRecord): FeedEntryContent {
  const values = record.map(toBytes);
  while (values.length > columns.length && values.at(-1)?.length === 0) values.pop();
  if (values.length !== columns.length) {
    const reason = `The row has ${values.length} columns, the header ${columns.length}.`;
    return { problem: { code: "COLUMN_COUNT", reason } };
  }
  const row = new Map<string, string[]>();
  for (const [index, bytes] of values.entries()) {
    const column = columns[index] ?? "";
    if (bytes.length === 0 || column === "") continue;
    if (bytes.length > MAX_FIELD_BYTES) {
      const reason = `The value of ${column} has ${bytes.length} bytes; at most ${MAX_FIELD_BYTES} are allowed.`;
      return { problem: { code: "FIELD_TOO_LARGE", reason } };
    }
    if (!isUtf8(bytes)) {
      const reason = `The value of ${column} is not UTF-8. Save the file as UTF-8.`;
      return { problem: { code: "NOT_UTF8", reason } };
    }
    row.set(column, [...(row.get(column) ?? []), bytes.toString("utf8")]);
  }
  return { row };
}

function headerOf(record: CsvRecord, columnName: ColumnNamer): string[] {
  const columns = record.map((column) => toBytes(column).toString("utf8").trim());
  if (columns.every((column) => column === "")) throw new FeedUnreadable("FEED_EMPTY", "The header line is empty.", 1);
  if (!columns.some((column) => columnName(column) === "id")) {
    const found = columns.slice(0, 20).map(quote).join(", ");
    const message = `The table has no column "id", only ${found}. Rename one with --map: {"their column": "id"}.`;
    throw new FeedUnreadable("MISSING_COLUMN", message, 1);
  }
  return columns;
}

function countCrLf(record: CsvRecord): number {
  let count = 0;
  for (const value of record) {
    const bytes = toBytes(value);
    for (let at = bytes.indexOf("\r\n"); at !== -1; at = bytes.indexOf("\r\n", at + 2)) count += 1;
  }
  return count;
}

function toBytes(value: Buffer | string): Buffer {
  return typeof value === "string" ? Buffer.from(value) : value;
}

function delimiterOf(head: Buffer): string {
  const header = head.toString("utf8").trimStart().split(/\r?\n/, 1)[0] ?? "";
  const names = header.replace(/"[^"]*"/g, "");
  const count = (delimiter: string) => names.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function csvProblem(error: CsvError, line: number): FeedUnreadable {
  const cause = { cause: error };
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return new FeedUnreadable("FEED_BROKEN", "A quote that opens here is never closed.", line, cause);
    case "CSV_MAX_RECORD_SIZE": {
      const message = `The row is longer than ${MAX_ROW_BYTES} bytes. A quote that opens here may not be closed.`;
      return new FeedUnreadable("FEED_BROKEN", message, line, cause);
    }
    default:
      return new FeedUnreadable("FEED_BROKEN", `The table cannot be read: ${error.message}.`, line, cause);
  }
}
