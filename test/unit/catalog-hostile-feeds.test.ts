import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { createRowNormaliser } from "../../src/catalog/feeds/feed-normaliser.js";
import { readFeed } from "../../src/catalog/feeds/feed-reader.js";
import { openFeedSource } from "../../src/catalog/feeds/feed-source.js";
import { FeedUnreadable } from "../../src/catalog/feeds/feed-unreadable.error.js";
import { readBatches } from "../../src/catalog/import/import-rows.js";
import { SeenKeys } from "../../src/catalog/import/seen-keys.js";

const RSS = '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>';
const item = (inside: string) => `<item><g:id>1</g:id><title>a</title>${inside}</item>`;
const close = "</channel></rss>";
const UTF16 = Buffer.from("\ufeffid,title\n1,a\n", "utf16le");
const latin1 = (text: string) => Buffer.from(text, "latin1");
const bomb = `<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">${[..."bcdefgh"]
  .map((name, index) => `<!ENTITY ${name} "${`&${"abcdefgh"[index]};`.repeat(10)}">`)
  .join("")}]>`;

interface Case {
  readonly name: string;
  readonly file: string;
  readonly content: string | Buffer;
  /** Ids of the products that are read, and line and code of what is not. */
  readonly expect: readonly (string | readonly [number, string])[];
  /** The reason why reading stops. */
  readonly stops?: string;
}

const csv = (name: string, content: string | Buffer, expect: Case["expect"], stops?: string): Case => {
  return { name, file: "feed.csv", content, expect, ...(stops === undefined ? {} : { stops }) };
};
const row = (name: string, column: string, value: string, code: string): Case =>
  csv(name, `id,title,${column}\n1,a,"${value}"\n2,b,\n`, [[2, code], "2"]);
const jsonl = (name: string, content: string | Buffer, expect: Case["expect"]): Case => {
  return { name, file: "feed.jsonl", content, expect };
};
const xml = (name: string, content: string | Buffer, expect: Case["expect"], stops?: string): Case => {
  return { name, file: "feed.xml", content, expect, ...(stops === undefined ? {} : { stops }) };
};
const file = (name: string, fileName: string, content: string | Buffer, stops: string): Case => {
  return { name, file: fileName, content, expect: [], stops };
};

const cases: readonly Case[] = [
  csv("byte order mark", "\ufeffid,title\n1,a\n", ["1"]),
  csv("CRLF and an empty last line", "id,title\r\n1,a\r\n2,b\r\n\r\n", ["1", "2"]),
  csv("no line end at the end", "id,title\n1,a", ["1"]),
  csv("quotes, doubled quotes and line ends inside", 'id,title\n1,"a ""b""\nc, d"\n,\n', ["1", [4, "ID_MISSING"]]),
  csv("CRLF inside quotes keeps the line numbers", 'id,title\r\n1,"a\r\nb"\r\n,c\r\n', ["1", [4, "ID_MISSING"]]),
  csv("a quote inside an unquoted value", 'id,title\n1,5" screen\n2,b\n', ["1", "2"]),
  csv("semicolons, as spreadsheets write them in Europe", "id;title;price\n1;a;15,00 EUR\n", ["1"]),
  csv("a quote that is never closed", 'id,title\n1,a\n2,"b\n3,c\n', ["1"], "FEED_BROKEN"),
  csv("a quote that swallows 16 MB", `id,title\n1,a\n2,"${"b\n".repeat(9_000_000)}`, ["1"], "FEED_BROKEN"),
  csv("no id column", "sku,title\n1,a\n", [], "MISSING_COLUMN"),
  csv("only a header line", "id,title\n", []),
  csv("an empty header line", ",,\n1,2,3\n", [], "FEED_EMPTY"),
  csv("too few and too many columns", "id,title,brand\n1,a\n2,b,c,d\n3,a,b,,\n", [
    [2, "COLUMN_COUNT"],
    [3, "COLUMN_COUNT"],
    "3",
  ]),
  csv("the same id twice", "id,title\n1,a\n1,b\n2,c\n", ["1", [3, "DUPLICATE_ID"], "2"]),
  csv("a value of more than 1 MB", `id,title\n1,${"a".repeat(1_048_577)}\n2,b\n`, [[2, "FIELD_TOO_LARGE"], "2"]),
  csv("wrong encoding in one row", latin1("id,title\n1,caf\xe9\n2,b\n"), [[2, "NOT_UTF8"], "2"]),
  csv("UTF-16", UTF16, [], "FEED_NOT_UTF8"),
  csv("an id of 256 characters", `id,title\n${"1".repeat(256)},a\n`, [[2, "ID_TOO_LONG"]]),
  csv("an id with a line end", 'id,title\n"1\n2",a\n', [[2, "ID_INVALID"]]),
  csv("an id with a direction override", "id,title\n1\u202e2,a\n", [[2, "ID_INVALID"]]),
  csv("an id of spaces", "id,title\n  ,a\n", [[2, "ID_MISSING"]]),
  csv("columns named like the insides of JavaScript", "id,title,__proto__,constructor\n1,a,b,c\n", ["1"]),
  row("a group of 256 characters", "item_group_id", "g".repeat(256), "GROUP_TOO_LONG"),
  row("a negative price", "price", "-5.00 USD", "PRICE_NEGATIVE"),
  row("an unknown currency", "price", "5.00 XQQ", "CURRENCY_UNKNOWN"),
  csv("an unknown currency column", "id,currency,price\n1,XQQ,5.00\n2,EUR,5.00\n", [[2, "CURRENCY_UNKNOWN"], "2"]),
  row("a price in words", "price", "free", "PRICE_INVALID"),
  row("a currency sign", "price", "$5.00", "PRICE_INVALID"),
  row("a price without end", "price", "9".repeat(400), "PRICE_INVALID"),
  row("a price in exponents", "price", "1e9 USD", "PRICE_INVALID"),
  row("an unknown availability", "availability", "maybe", "AVAILABILITY_UNKNOWN"),
  row("an unknown status", "status", "gone", "STATUS_UNKNOWN"),
  row("an unknown split", "split", "both", "SPLIT_UNKNOWN"),
  row("a time that is none", "updated_at", "yesterday", "DATE_INVALID"),
  row("a time that cannot be", "updated_at", "2026-13-45", "DATE_INVALID"),
  row("a link that is a script", "link", "javascript:alert(1)", "LINK_INVALID"),
  row("a photo above the folder", "image_link", "../secret.png", "PHOTO_PATH_REFUSED"),
  row("a photo above the folder, from below", "image_link", "a/../../secret.png", "PHOTO_PATH_REFUSED"),
  row("a photo above the folder, the Windows way", "image_link", "..\\secret.png", "PHOTO_PATH_REFUSED"),
  row("an absolute photo path", "image_link", "/etc/passwd", "PHOTO_PATH_REFUSED"),
  row("a photo on a drive", "image_link", "C:\\secret.png", "PHOTO_PATH_REFUSED"),
  row("a photo on a share", "image_link", "\\\\host\\share\\a.png", "PHOTO_PATH_REFUSED"),
  row("a file: address", "image_link", "file:///etc/passwd", "PHOTO_PATH_REFUSED"),
  row("a data: address", "image_link", "data:image/png;base64,AAAA", "PHOTO_URL_INVALID"),
  row("an address without a host", "image_link", "https://", "PHOTO_URL_INVALID"),
  row("an endless address", "image_link", `https://shop.example/${"a".repeat(3_000)}`, "PHOTO_URL_TOO_LONG"),
  row(
    "too many photos",
    "additional_image_link",
    Array.from({ length: 51 }, (_, index) => `https://s.example/${index}`).join(),
    "TOO_MANY_PHOTOS",
  ),
  jsonl("broken lines between good ones", '{"id":1}\n{"id":\n[1]\n"x"\n{"id":"2"}', [
    "1",
    [2, "BROKEN_JSON"],
    [3, "BROKEN_JSON"],
    [4, "BROKEN_JSON"],
    "2",
  ]),
  jsonl("a line of more than 16 MB", `{"id":1}\n{"id":"${"x".repeat(17_000_000)}"}\n{"id":2}\n`, [
    "1",
    [2, "LINE_TOO_LONG"],
    "2",
  ]),
  jsonl("wrong encoding in one line", latin1('{"id":1,"title":"caf\xe9"}\n{"id":2}\n'), [[1, "NOT_UTF8"], "2"]),
  jsonl("nested without end", `{"id":1,"a":${'{"b":'.repeat(5_000)}1${"}".repeat(5_000)}}\n{"id":2}\n`, ["1", "2"]),
  jsonl("a prototype in the row", '{"id":1,"__proto__":{"polluted":"yes"},"attributes":{"__proto__":"x"}}\n', ["1"]),
  jsonl("half of a surrogate pair in a path", '{"id":1,"image_link":"\\ud800.png"}\n', [[1, "PHOTO_PATH_REFUSED"]]),
  jsonl("NUL in a text", '{"id":1,"title":"a\\u0000b"}\n{"id":"2\\u0000"}\n', ["1", [2, "ID_INVALID"]]),
  xml(
    "an entity bomb",
    `${bomb}${RSS.slice(21)}${item("<description>&h;</description>")}${close}`,
    [],
    "XML_ENTITIES_REFUSED",
  ),
  xml(
    "an external entity",
    `<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel>${item("<g:brand>&x;</g:brand>")}${close}`,
    [],
    "XML_ENTITIES_REFUSED",
  ),
  xml("an external document type", `<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd"><rss/>`, [], "XML_ENTITIES_REFUSED"),
  xml(
    "an entity of HTML",
    `${RSS}${item("")}${item("<g:brand>&nbsp;</g:brand>")}${close}`,
    ["1"],
    "XML_ENTITIES_REFUSED",
  ),
  xml("a document that ends too early", `${RSS}${item("")}<item><g:id>2</g:id>`, ["1"], "FEED_TRUNCATED"),
  xml("tags that do not match", `${RSS}${item("")}<item><g:id>2</item>`, ["1"], "FEED_BROKEN"),
  xml("wrong encoding", latin1(`${RSS}${item("<g:brand>\xe9</g:brand>")}${close}`), [], "FEED_NOT_UTF8"),
  xml("an unknown encoding", `<?xml version="1.0" encoding="klingon"?><rss/>`, [], "FEED_NOT_UTF8"),
  xml("a page instead of a feed", "<!DOCTYPE html><html><body>Log in</body></html>", [], "WRONG_FORMAT"),
  xml("a value of more than 1 MB", `${RSS}${item(`<description>${"a".repeat(1_100_000)}</description>`)}${close}`, [
    [1, "FIELD_TOO_LARGE"],
  ]),
  xml("a comment without end", `${RSS}<!-- ${"a".repeat(17_000_000)}`, [], "FEED_BROKEN"),
  xml("an item without an id", `${RSS}<item><title>a</title></item>${close}`, [[1, "ID_MISSING"]]),
  file("an empty file", "feed.csv", "", "FEED_EMPTY"),
  file("an empty gzip", "feed.csv.gz", gzipSync(""), "FEED_EMPTY"),
  file("a truncated gzip", "feed.csv.gz", gzipSync("id,title\n1,a\n").subarray(0, -9), "FEED_TRUNCATED"),
  file("a damaged gzip", "feed.csv.gz", damaged(gzipSync("id,title\n1,a\n")), "FEED_BROKEN"),
  file("XML named CSV", "feed.csv", `${RSS}${close}`, "WRONG_FORMAT"),
  file("JSON Lines named CSV", "feed.csv", '{"id":1}\n', "WRONG_FORMAT"),
  file("CSV named JSON Lines", "feed.jsonl", "id,title\n", "WRONG_FORMAT"),
  file("a JSON array", "feed.jsonl", '[{"id":1}]', "WRONG_FORMAT"),
  file("a spreadsheet", "feed.csv", Buffer.from("PK\u0003\u0004rest of a zip"), "FORMAT_UNKNOWN"),
  file("bytes of anything", "feed", Buffer.from([1, 0, 2, 0, 3]), "FORMAT_UNKNOWN"),
  file("text of anything", "feed", "hello", "FORMAT_UNKNOWN"),
];

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0xff, 12, 20);
  return copy;
}

describe("hostile feeds", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lookalike-hostile-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Ids of products and [line, code] of problems, in groups as they come, and the reason why reading stopped. */
  async function read(location: string, productFrom: "image" | "folder" = "image") {
    const found: (string | [number, string])[] = [];
    const lines: { line: number; what: string | [number, string] }[] = [];
    let stops: string | undefined;
    try {
      const source = await openFeedSource(location, {});
      const normalise = createRowNormaliser({ source: "shop", defaultCurrency: "USD", photoPaths: true });
      const seen = { good: new SeenKeys(), bad: new SeenKeys(), uncertain: false };
      const options = { source: "shop", normalise, seen, boundary: 0 };
      for await (const batch of readBatches(readFeed(source, { productFrom }), options)) {
        for (const { line, product } of batch.products) lines.push({ line, what: product.externalId });
        for (const { line, code, reason } of batch.problems) {
          assert.match(reason, /\.$/);
          assert.ok(reason.length < 400, reason);
          lines.push({ line, what: [line, code] });
        }
      }
    } catch (error) {
      assert.ok(error instanceof FeedUnreadable, String((error as Error).stack));
      stops = error.code;
    }
    for (const { what } of lines.sort((a, b) => a.line - b.line)) found.push(what);
    return { found, stops };
  }

  for (const { name, file, content, expect, stops } of cases) {
    it(`${file}: ${name}`, async () => {
      const place = path.join(folder, file);
      writeFileSync(place, content);
      const result = await read(place);
      assert.equal(result.stops, stops);
      assert.deepEqual(result.found, expect);
    });
  }

  it("a folder with links out of it and in circles", async () => {
    const root = path.join(folder, "links");
    mkdirSync(path.join(root, "shirts"), { recursive: true });
    writeFileSync(path.join(folder, "outside.png"), "secret");
    writeFileSync(path.join(root, "shirts", "a.png"), "a");
    symlinkSync(path.join(folder, "outside.png"), path.join(root, "shirts", "b.png"));
    symlinkSync(path.join(root, "shirts", "a.png"), path.join(root, "shirts", "c.png"));
    symlinkSync(root, path.join(root, "shirts", "circle"));
    symlinkSync("/etc", path.join(root, "shirts", "etc"));
    assert.deepEqual((await read(root)).found, [
      "shirts/a.png",
      [2, "FOLDER_LINK"],
      "shirts/c.png",
      [4, "FOLDER_LINK"],
    ]);
  });

  it("a folder without photos, and one that is not there", async () => {
    mkdirSync(path.join(folder, "empty"));
    assert.equal((await read(path.join(folder, "empty"))).stops, "FEED_EMPTY");
    assert.equal((await read(path.join(folder, "gone"))).stops, "FEED_NOT_FOUND");
    assert.equal((await read("/dev/null")).stops, "FEED_NOT_FOUND");
  });
});
