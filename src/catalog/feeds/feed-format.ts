import type { FeedFormat } from "./feed-entry.type.js";
import { FeedUnreadable } from "./feed-unreadable.error.js";

/** What a file's bytes are to be read as. */
export type FileFormat = "csv" | "tsv" | "jsonl" | "xml";

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  csv: "csv",
  tsv: "tsv",
  jsonl: "jsonl",
  ndjson: "jsonl",
  xml: "xml",
  rss: "xml",
};

/**
 * The format of a file: as told, else by extension, else by its first bytes, which must agree in any case.
 * @throws FeedUnreadable WRONG_FORMAT when they do not, FORMAT_UNKNOWN when nothing tells
 */
export function fileFormat(name: string, head: Buffer, told?: FeedFormat): FileFormat {
  const looks = looksLike(head);
  if (looks === "binary") {
    const hint = head.subarray(0, 2).toString("latin1") === "PK" ? " It may be a spreadsheet: save it as CSV." : "";
    throw new FeedUnreadable("FORMAT_UNKNOWN", `${name} is not text.${hint}`);
  }
  if (looks === "json-array") {
    throw new FeedUnreadable("WRONG_FORMAT", `${name} holds a JSON array. Write one object a line (JSON Lines).`);
  }
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  const wanted = fromTold(name, looks, told) ?? EXTENSIONS[extension];
  if (!wanted) {
    if (looks !== undefined) return looks;
    const formats = "--format csv, jsonl or merchant";
    throw new FeedUnreadable("FORMAT_UNKNOWN", `The format of ${name} cannot be told. Say it with ${formats}.`);
  }
  const isTable = wanted === "csv" || wanted === "tsv";
  const agrees = isTable ? looks !== "xml" && looks !== "jsonl" : looks === wanted;
  if (!agrees) {
    const found = looks === "xml" ? "XML" : looks === "jsonl" ? "JSON Lines" : "neither XML nor JSON Lines";
    throw new FeedUnreadable("WRONG_FORMAT", `${name} should be ${wanted.toUpperCase()}, but its content is ${found}.`);
  }
  return wanted;
}

function fromTold(name: string, looks: FileFormat | undefined, told: FeedFormat | undefined): FileFormat | undefined {
  switch (told) {
    case undefined:
      return undefined;
    case "folder":
      throw new FeedUnreadable("WRONG_FORMAT", `${name} is a file, not a folder.`);
    case "merchant":
      return looks === "xml" ? "xml" : "tsv";
    case "csv":
    case "tsv":
    case "jsonl":
      return told;
  }
}

function looksLike(head: Buffer): FileFormat | "binary" | "json-array" | undefined {
  if (head.includes(0) || head.subarray(0, 4).toString("latin1") === "PK\u0003\u0004") return "binary";
  const text = head.toString("utf8").trimStart();
  if (text.startsWith("<")) return "xml";
  if (text.startsWith("{")) return "jsonl";
  if (/^\[\s*[{\]]/.test(text)) return "json-array";
  const header = text.split(/\r?\n/, 1)[0] ?? "";
  if (header.includes("\t")) return "tsv";
  return header.includes(",") || header.includes(";") ? "csv" : undefined;
}
