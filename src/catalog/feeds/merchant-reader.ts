import { SaxesParser } from "saxes";
import { messageOf } from "../../errors.js";
import { type FeedEntry, type FeedEntryContent, MAX_FIELD_BYTES, MAX_ROW_BYTES } from "./feed-entry.type.js";
import { FeedUnreadable } from "./feed-unreadable.error.js";

/**
 * Reads a Google Merchant feed in XML: RSS 2.0 `item` or Atom `entry`, attribute names with or without the prefix `g:`.
 * Entities that a document declares for itself are refused: expanded they can fill any memory, or read files.
 * @throws FeedUnreadable at the first place that is not well-formed, since XML has no safe place to go on from
 */
export async function* readMerchantXml(chunks: AsyncIterable<Buffer>, head: Buffer): AsyncGenerator<FeedEntry> {
  const decoder = decoderOf(head);
  const items = new ItemCollector();
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch (error) {
      const message = `The feed is not ${decoder.encoding.toUpperCase()}, as it should be by its first line.`;
      throw new FeedUnreadable("FEED_NOT_UTF8", message, items.line, { cause: error });
    }
  };
  try {
    for await (const chunk of chunks) {
      items.write(decode(chunk));
      yield* items.take();
    }
    items.write(decode());
    items.end();
  } catch (error) {
    // Items that were complete before the place where the document breaks.
    yield* items.take();
    throw error;
  }
  yield* items.take();
}

function decoderOf(head: Buffer): InstanceType<typeof TextDecoder> {
  const declared = /^\s*<\?xml[^>]*\sencoding=["']([\w.-]+)["']/i.exec(head.subarray(0, 200).toString("latin1"))?.[1];
  try {
    return new TextDecoder(declared ?? "utf-8", { fatal: true });
  } catch (error) {
    throw new FeedUnreadable("FEED_NOT_UTF8", `The encoding ${declared} is not known. Save the feed as UTF-8.`, 1, {
      cause: error,
    });
  }
}

const ROOTS = new Set(["rss", "feed"]);

/** Collects the items of a document that comes in pieces. */
class ItemCollector {
  private readonly parser = new SaxesParser({ position: true });
  private readonly path: string[] = [];
  private ready: FeedEntry[] = [];
  private row: Map<string, string[]> | undefined;
  private rowLine = 0;
  /** Depth of the open item's own element. */
  private depth = 0;
  private text = "";
  private detailName = "";
  /** Characters since the parser last said anything. */
  private silence = 0;

  constructor() {
    this.parser.on("error", (error) => {
      throw this.broken(error);
    });
    this.parser.on("doctype", (doctype) => {
      this.silence = 0;
      if (!doctype.includes("[") && !/\b(SYSTEM|PUBLIC)\b/.test(doctype)) return;
      const message = "The feed declares a document type of its own (DOCTYPE). Remove it: entities are not expanded.";
      throw new FeedUnreadable("XML_ENTITIES_REFUSED", message, this.line);
    });
    this.parser.on("opentag", ({ name, attributes }) => this.open(name, String(attributes.href ?? "")));
    this.parser.on("closetag", ({ name }) => this.close(name));
    this.parser.on("text", (text) => this.addText(text));
    this.parser.on("cdata", (text) => this.addText(text));
    this.parser.on("comment", () => {
      this.silence = 0;
    });
  }

  get line(): number {
    return this.parser.line;
  }

  write(text: string): void {
    this.silence += text.length;
    this.parser.write(text);
    if (this.silence <= MAX_ROW_BYTES) return;
    throw new FeedUnreadable("FEED_BROKEN", `No tag for ${MAX_ROW_BYTES} characters.`, this.line);
  }

  end(): void {
    this.parser.close();
  }

  take(): FeedEntry[] {
    const taken = this.ready;
    this.ready = [];
    return taken;
  }

  private open(name: string, href: string): void {
    this.silence = 0;
    if (this.path.length === 0 && !ROOTS.has(localName(name))) {
      const message = `The document is <${name.slice(0, 40)}>, not a feed (<rss> or <feed>).`;
      throw new FeedUnreadable("WRONG_FORMAT", message, this.line);
    }
    this.path.push(name);
    if (!this.row && (name === "item" || name === "entry")) {
      this.row = new Map();
      this.rowLine = this.line;
      this.depth = this.path.length;
    } else if (this.row && name === "link" && href !== "") {
      this.row.set("link", [href]);
    }
    this.text = "";
  }

  private close(name: string): void {
    this.silence = 0;
    const level = this.path.length - this.depth;
    this.path.pop();
    if (!this.row) return;
    if (level === 0) {
      this.ready.push({ line: this.rowLine, ...this.finishRow(this.row) });
      this.row = undefined;
    } else if (level === 1) {
      this.add(name, this.text);
    } else if (level === 2 && localName(this.path.at(-1) ?? "") === "product_detail") {
      if (localName(name) === "attribute_name") this.detailName = this.text.trim();
      if (localName(name) === "attribute_value" && this.detailName !== "") this.add(this.detailName, this.text);
    }
    this.text = "";
  }

  private add(column: string, text: string): void {
    if (!this.row || text.trim() === "") return;
    this.row.set(column, [...(this.row.get(column) ?? []), text]);
  }

  private finishRow(row: Map<string, string[]>): FeedEntryContent {
    for (const [column, values] of row) {
      const length = values.reduce((sum, value) => sum + value.length, 0);
      if (length <= MAX_FIELD_BYTES) continue;
      const reason = `The value of ${column.slice(0, 80)} has more than ${MAX_FIELD_BYTES} characters.`;
      return { problem: { code: "FIELD_TOO_LARGE", reason } };
    }
    return { row };
  }

  private addText(text: string): void {
    this.silence = 0;
    if (!this.row) return;
    // One character over the limit is enough to refuse the row.
    if (this.text.length <= MAX_FIELD_BYTES) this.text += text;
  }

  private broken(error: unknown): FeedUnreadable {
    if (error instanceof FeedUnreadable) return error;
    const message = messageOf(error).replace(/^\d+:\d+: /, "");
    if (message.startsWith("undefined entity")) {
      const hint = "The feed uses an entity that XML does not know. Write the character itself, or its number.";
      return new FeedUnreadable("XML_ENTITIES_REFUSED", hint, this.line, { cause: error });
    }
    const cut = /unclosed|not well-formed|document must contain/i.test(message) && /unclosed|end/i.test(message);
    return new FeedUnreadable(cut ? "FEED_TRUNCATED" : "FEED_BROKEN", `The XML is broken: ${message}.`, this.line, {
      cause: error,
    });
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}
