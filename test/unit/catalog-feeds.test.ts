import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { columnName, readColumnMap } from "../../src/catalog/feeds/feed-columns.js";
import { createRowNormaliser, type NormaliserOptions } from "../../src/catalog/feeds/feed-normaliser.js";
import { parsePrice } from "../../src/catalog/feeds/feed-price.js";
import { readFeed } from "../../src/catalog/feeds/feed-reader.js";
import { openFeedSource } from "../../src/catalog/feeds/feed-source.js";
import { SeenKeys } from "../../src/catalog/import/seen-keys.js";
import type { Money, ProductInput } from "../../src/catalog/products/catalog-event.type.js";
import { BadUserInput } from "../../src/errors.js";

const options: NormaliserOptions = { source: "shop", defaultCurrency: "USD", photoPaths: false };

function normalise(columns: Record<string, string | string[]>, more: Partial<NormaliserOptions> = {}) {
  const row = new Map(Object.entries(columns).map(([name, value]) => [name, [value].flat()]));
  return createRowNormaliser({ ...options, ...more })(row);
}

function product(columns: Record<string, string | string[]>, more: Partial<NormaliserOptions> = {}): ProductInput {
  const result = normalise({ id: "1", ...columns }, more);
  assert.ok(!("code" in result), "reason" in result ? result.reason : "");
  return result;
}

describe("prices", () => {
  const good: [string, Money][] = [
    ["15.00 USD", { minor: 1_500n, currency: "USD" }],
    ["15 usd", { minor: 1_500n, currency: "USD" }],
    ["EUR15.5", { minor: 1_550n, currency: "EUR" }],
    ["15,00 EUR", { minor: 1_500n, currency: "EUR" }],
    ["0", { minor: 0n, currency: "USD" }],
    ["-0.00 USD", { minor: 0n, currency: "USD" }],
    ["1500 JPY", { minor: 1_500n, currency: "JPY" }],
    ["1500.00 JPY", { minor: 1_500n, currency: "JPY" }],
    ["1.234 KWD", { minor: 1_234n, currency: "KWD" }],
    ["1.5 KWD", { minor: 1_500n, currency: "KWD" }],
    ["19.9900 EUR", { minor: 1_999n, currency: "EUR" }],
  ];
  for (const [text, money] of good) it(`reads ${text}`, () => assert.deepEqual(parsePrice(text, "USD"), money));

  const bad: [string, string][] = [
    ["1,500 USD", "PRICE_INVALID"],
    ["1.500 JPY", "PRICE_INVALID"],
    ["1.000 JPY", "PRICE_INVALID"],
    ["1,234.00 USD", "PRICE_INVALID"],
    ["15.005 USD", "PRICE_INVALID"],
    ["USD 15 EUR", "PRICE_INVALID"],
    ["", "PRICE_INVALID"],
    ["15 XXQ", "CURRENCY_UNKNOWN"],
    ["-3", "PRICE_NEGATIVE"],
  ];
  for (const [text, code] of bad) {
    it(`refuses "${text}"`, () => {
      const result = parsePrice(text, "USD");
      assert.equal("code" in result ? result.code : "read", code);
    });
  }
});

describe("rows", () => {
  it("gives columns one name, whatever their spelling", () => {
    for (const name of [
      "item_group_id",
      "item group id",
      "Item Group ID",
      "g:item_group_id",
      "itemGroupId",
      "ITEM-GROUP-ID",
    ]) {
      assert.equal(columnName(name), "item_group_id");
    }
    assert.equal(columnName("Colour"), "color");
  });

  it("turns Merchant attributes into a product and the rest into its attributes", () => {
    const result = product({
      "item group id": " g1 ",
      title: "Shirt",
      description: "Soft",
      link: "https://shop.example/1",
      image_link: "https://cdn.example/a b.jpg",
      additional_image_link: "https://cdn.example/c,d.jpg, //cdn.example/e.jpg",
      product_type: "Clothing > Shirts >  Polo",
      google_product_category: "212",
      price: "20.00 EUR",
      sale_price: "15.00 EUR",
      availability: "In Stock",
      brand: "Acme",
      color: "Red/Dark blue",
      size: "7/8",
      split: "val",
      updated_at: "2026-01-31 12:00:00",
      fit: "slim",
    });
    assert.deepEqual(result, {
      source: "shop",
      externalId: "1",
      title: "Shirt",
      categoryPath: ["Clothing", "Shirts", "Polo"],
      inStock: true,
      attributes: { google_product_category: ["212"], color: ["Red", "Dark blue"], size: ["7/8"], fit: ["slim"] },
      status: "ACTIVE",
      photos: [
        { url: "https://cdn.example/a%20b.jpg" },
        { url: "https://cdn.example/c,d.jpg" },
        { url: "https://cdn.example/e.jpg" },
      ],
      groupKey: "g1",
      description: "Soft",
      url: "https://shop.example/1",
      brand: "Acme",
      price: { minor: 1_500n, currency: "EUR" },
      split: "VALIDATION",
      sourceUpdatedAt: new Date("2026-01-31T12:00:00Z"),
    });
  });

  it("needs no more than an id", () => {
    assert.deepEqual(product({ title: "" }), {
      source: "shop",
      externalId: "1",
      title: "1",
      categoryPath: [],
      inStock: true,
      attributes: {},
      status: "ACTIVE",
      photos: [],
    });
  });

  it("takes the sale's price only while the sale lasts", () => {
    const during = (dates: string) => {
      return product({ price: "20", sale_price: "15", sale_price_effective_date: dates }).price?.minor;
    };
    assert.equal(during("2020-01-01T00:00Z/2999-01-01T00:00Z"), 1_500n);
    assert.equal(during("2998-01-01T00:00+0100/2999-01-01T00:00+0100"), 2_000n);
    assert.equal(during("2020-01-01/2020-02-01"), 2_000n);
    assert.equal(product({ price: "20", currency: "EUR" }).price?.currency, "EUR");
  });

  it("knows every spelling of availability, and keeps what can be ordered ahead", () => {
    const stock = (availability: string) => product({ availability }).inStock;
    for (const text of ["in_stock", "in stock", "InStock", "https://schema.org/InStock"])
      assert.equal(stock(text), true);
    for (const text of ["out of stock", "OUT_OF_STOCK", "preorder", "backorder"]) assert.equal(stock(text), false);
    assert.deepEqual(product({ availability: "preorder" }).attributes, { availability: ["preorder"] });
  });

  it("takes Google's category when the shop has none of its own", () => {
    assert.deepEqual(product({ google_product_category: "Apparel > Shoes" }).categoryPath, ["Apparel", "Shoes"]);
    assert.deepEqual(product({ google_product_category: "187" }).categoryPath, []);
  });

  it("renames columns as the map says, which wins over a column that has the name already", () => {
    const map = { Artikelnummer: "id", Farbe: "color", Bild: "image_link", Preis: "price" };
    const result = normalise(
      { Artikelnummer: "A1", farbe: "rot", Bild: "https://s.example/1.jpg", Preis: "5,00 EUR", id: "row 7" },
      { map },
    );
    assert.ok(!("code" in result));
    assert.deepEqual([result.externalId, result.attributes, result.photos.length], ["A1", { color: ["rot"] }, 1]);
  });

  it("takes photo paths only where they are allowed, inside the folder", () => {
    const photos = { image_link: "./a b/ü.jpg", additional_image_link: "c.jpg,d/e.jpg" };
    assert.deepEqual(product(photos, { photoPaths: true }).photos, [
      { url: "file:///a%20b/%C3%BC.jpg" },
      { url: "file:///c.jpg" },
      { url: "file:///d/e.jpg" },
    ]);
    const refused = normalise({ id: "1", image_link: "a.jpg" });
    assert.deepEqual("code" in refused && [refused.code, refused.externalId], ["PHOTO_PATH_REFUSED", "1"]);
  });
});

describe("feeds", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "lookalike-feeds-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, content: string | Buffer) => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };
  async function read(
    location: string,
    more: Parameters<typeof readFeed>[1] = {},
    openUrl?: Parameters<typeof openFeedSource>[1],
  ) {
    const source = await openFeedSource(location, openUrl ?? {});
    const rows: [number, Record<string, readonly string[]>][] = [];
    for await (const entry of readFeed(source, more)) {
      assert.ok("row" in entry, JSON.stringify(entry));
      rows.push([entry.line, Object.fromEntries(entry.row)]);
    }
    return { rows, source };
  }

  const rss = `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://shop.example</link>
<item><g:id>1</g:id><title><![CDATA[A <b> & c]]></title><link>https://shop.example/1</link>
<g:additional_image_link>https://s.example/2.jpg</g:additional_image_link>
<g:additional_image_link>https://s.example/3.jpg</g:additional_image_link>
<g:shipping><g:country>DE</g:country><g:price>5 EUR</g:price></g:shipping>
<g:product_detail><g:attribute_name>Fit</g:attribute_name><g:attribute_value>slim</g:attribute_value></g:product_detail>
</item><item><id>2</id><g:title>B &amp; &#252;</g:title></item></channel></rss>`;

  it("reads Merchant XML, in pieces of any size", async () => {
    const expected = [
      [
        3,
        {
          "g:id": ["1"],
          title: ["A <b> & c"],
          link: ["https://shop.example/1"],
          "g:additional_image_link": ["https://s.example/2.jpg", "https://s.example/3.jpg"],
          Fit: ["slim"],
        },
      ],
      [8, { id: ["2"], "g:title": ["B & ü"] }],
    ];
    assert.deepEqual((await read(write("feed.xml", rss))).rows, expected);
    async function* bytes() {
      for (const byte of Buffer.from(rss)) yield Buffer.from([byte]);
    }
    const { rows, source } = await read("https://shop.example/feed.xml", {}, { openUrl: async () => bytes() });
    assert.deepEqual(rows, expected);
    assert.equal(source.kind, "url");
  });

  it("reads an Atom feed, and XML in another encoding", async () => {
    const atom = '<?xml version="1.0" encoding="ISO-8859-1"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="x">';
    const entry = '<entry><g:id>1</g:id><title>caf\xe9</title><link href="https://s.example/1"/></entry></feed>';
    const { rows } = await read(write("atom.xml", Buffer.from(atom + entry, "latin1")));
    assert.deepEqual(rows, [[1, { "g:id": ["1"], title: ["café"], link: ["https://s.example/1"] }]]);
  });

  it("reads TSV as Merchant has it, told or by extension, gzipped or not", async () => {
    const tsv = "id\timage link\ttitle\n1\thttps://s.example/1.jpg\tA, b\n";
    const expected = [[2, { id: ["1"], "image link": ["https://s.example/1.jpg"], title: ["A, b"] }]];
    assert.deepEqual((await read(write("feed.txt", tsv), { format: "merchant" })).rows, expected);
    assert.deepEqual((await read(write("feed.tsv.gz", gzipSync(tsv)))).rows, expected);
    assert.deepEqual((await read(write("feed", tsv))).rows, expected);
  });

  it("reads JSON Lines with lists, prices and nested attributes", async () => {
    const line = {
      id: 1,
      imageLink: "https://s.example/1.jpg",
      additionalImageLinks: ["https://s.example/2.jpg", null],
      price: { value: "15.00", currency: "EUR" },
      attributes: { fit: "slim", sizes: [1, 2] },
      dimensions: { width: 3 },
      isNew: true,
      variants: [{ id: 2 }],
      nothing: null,
    };
    const { rows } = await read(write("feed.jsonl", `\n${JSON.stringify(line)}\r\n`));
    assert.deepEqual(rows, [
      [
        2,
        {
          id: ["1"],
          imageLink: ["https://s.example/1.jpg"],
          additionalImageLinks: ["https://s.example/2.jpg"],
          price: ["15.00 EUR"],
          fit: ["slim"],
          sizes: ["1", "2"],
          "dimensions.width": ["3"],
          isNew: ["true"],
        },
      ],
    ]);
  });

  it("reads no faster than its rows are taken, and closes what it opened", async () => {
    let given = 0;
    let closed = false;
    async function* endless() {
      try {
        yield Buffer.from("id,title\n");
        for (;;) {
          given += 1;
          yield Buffer.from(`${given},${"x".repeat(1_000)}\n`.repeat(20));
        }
      } finally {
        closed = true;
      }
    }
    const source = await openFeedSource("https://shop.example/feed.csv", { openUrl: async () => endless() });
    let taken = 0;
    for await (const _ of readFeed(source, {})) {
      taken += 1;
      if (taken === 10) break;
    }
    assert.ok(given < 20, `${given} chunks were read for 10 rows`);
    assert.equal(closed, true);
  });

  it("reads a column map, and says how one must look", async () => {
    assert.deepEqual(await readColumnMap(write("map.json", '{"sku":"id"}')), { sku: "id" });
    for (const content of ["[]", '{"sku":1}', "{"]) {
      await assert.rejects(readColumnMap(write("map.json", content)), BadUserInput);
    }
    assert.equal((await read(write("mapped.csv", "sku,t\n1,2\n"), { map: { SKU: "id" } })).rows.length, 1);
  });
});

describe("ids that were seen", () => {
  it("knows each of many, and no other", () => {
    const seen = new SeenKeys();
    for (let id = 0; id < 20_000; id += 1) assert.equal(seen.add(`p${id}`), true);
    for (let id = 0; id < 20_000; id += 1) assert.equal(seen.add(`p${id}`), false);
    assert.equal(seen.has("p19999"), true);
    assert.equal(seen.has("p20000"), false);
  });
});
