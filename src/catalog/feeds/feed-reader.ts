import { readTable } from "./csv-reader.js";
import { type ColumnMap, columnNamer } from "./feed-columns.js";
import type { FeedEntry, FeedFormat } from "./feed-entry.type.js";
import { fileFormat } from "./feed-format.js";
import type { FeedSource, FolderSource } from "./feed-source.js";
import { FeedUnreadable } from "./feed-unreadable.error.js";
import { readFolder } from "./folder-reader.js";
import { readJsonLines } from "./jsonl-reader.js";
import { readMerchantXml } from "./merchant-reader.js";

/**
 * The rows of an open feed, one at a time and no faster than they are taken.
 * @throws FeedUnreadable, also while it is read
 */
export function readFeed(
  source: FeedSource | FolderSource,
  options: { readonly format?: FeedFormat; readonly productFrom?: "image" | "folder"; readonly map?: ColumnMap },
): AsyncGenerator<FeedEntry> {
  if (source.kind === "folder") {
    if (options.format !== undefined && options.format !== "folder") {
      throw new FeedUnreadable("WRONG_FORMAT", `${source.folder} is a folder, not a ${options.format} file.`);
    }
    return readFolder(source.folder, options.productFrom ?? "image");
  }
  const format = fileFormat(source.name, source.head, options.format);
  switch (format) {
    case "csv":
    case "tsv":
      return readTable(source.chunks, source.head, format, columnNamer(options.map));
    case "jsonl":
      return readJsonLines(source.chunks);
    case "xml":
      return readMerchantXml(source.chunks, source.head);
  }
}
