import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { GuardedStream } from "../../src/catalog/fetching/guarded-fetcher.type.js";
import { listen, withFetcher } from "../support/photos-fetchers.js";
import { type HostileShop, startHostileShop } from "../support/photos-hostile-shop.js";

describe("guarded stream", () => {
  let shop: HostileShop;
  let feeds: http.Server;
  let origin: string;
  const closed: string[] = [];
  const line = Buffer.from("id,title,price\n");

  before(async () => {
    shop = await startHostileShop();
    feeds = http.createServer((request, response) => {
      response.on("close", () => closed.push(request.url ?? ""));
      response.on("error", () => {});
      switch (request.url) {
        case "/feed.csv":
          return void response
            .writeHead(200, { "content-type": "text/csv; charset=utf-8", "content-length": line.length, etag: '"f"' })
            .end(line);
        case "/feed.csv.gz":
          return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(line));
        case "/large.csv": {
          let left = 3200;
          const pour = () => {
            while (left > 0) {
              left -= 1;
              if (!response.write(Buffer.alloc(65_536, 0x61))) return;
            }
            response.end();
          };
          response.on("drain", pour);
          return pour();
        }
        case "/drip.csv": {
          let left = 20;
          const drip = setInterval(() => (left-- > 0 ? response.write("a") : response.end()), 50);
          return void response.on("close", () => clearInterval(drip));
        }
        case "/pause.csv":
          return void response.write("some of it");
        case "/empty-gzip.csv": {
          // Members of no bytes for ever: nothing comes out, so that only what goes in can be counted.
          const member = gzipSync("");
          const many = Buffer.concat(Array.from({ length: 3000 }, () => member));
          response.writeHead(200, { "content-encoding": "gzip" });
          const pour = () => {
            while (!response.destroyed && response.write(many));
          };
          response.on("drain", pour);
          return pour();
        }
        default:
          return void response.writeHead(404).end();
      }
    });
    origin = `http://shop.example:${await listen(feeds)}`;
  });
  after(async () => {
    feeds.closeAllConnections();
    feeds.close();
    await shop.close();
  });

  async function read(stream: GuardedStream): Promise<number> {
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    return bytes;
  }

  it("says what comes, and gives it", async () => {
    await withFetcher(shop.network)(async (fetcher) => {
      const stream = await fetcher.openGuarded(`${origin}/feed.csv`);
      assert.equal(stream.totalBytes, line.length);
      assert.deepEqual([stream.mime, stream.etag, stream.url], ["text/csv", '"f"', `${origin}/feed.csv`]);
      assert.equal(await read(stream), line.length);
      const packed = await fetcher.openGuarded(`${origin}/feed.csv.gz`);
      assert.equal(packed.totalBytes, undefined);
      assert.equal(await read(packed), line.length);
    });
  });

  it("streams 200 MB without holding them, above the photo limit", async () => {
    await withFetcher(shop.network)(async (fetcher) => {
      const before = process.memoryUsage().rss;
      let largest = 0;
      let bytes = 0;
      for await (const chunk of await fetcher.openGuarded(`${origin}/large.csv`)) {
        bytes += chunk.length;
        largest = Math.max(largest, process.memoryUsage().rss - before);
      }
      assert.equal(bytes, 3200 * 65_536);
      assert.ok(largest < 100 * 1024 ** 2, `${largest} bytes more`);
    });
  });

  it("may take longer than the time limit, but not pause for so long", async () => {
    await withFetcher(shop.network, { fetchTimeoutMs: 500 })(async (fetcher) => {
      assert.equal(await read(await fetcher.openGuarded(`${origin}/drip.csv`)), 20);
      await assert.rejects(read(await fetcher.openGuarded(`${origin}/pause.csv`)), { code: "FETCH_TIMEOUT" });
      await assert.rejects(fetcher.openGuarded(`${shop.origin}/slow-headers.jpg`), { code: "FETCH_TIMEOUT" });
    });
  });

  it("does not hurry a slow reader", async () => {
    await withFetcher(shop.network, { fetchTimeoutMs: 300 })(async (fetcher) => {
      let bytes = 0;
      for await (const chunk of await fetcher.openGuarded(`${origin}/large.csv`)) {
        if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 1200));
        bytes += chunk.length;
      }
      assert.equal(bytes, 3200 * 65_536);
    });
  });

  it("stops at the limit, packed or not", async () => {
    await withFetcher(shop.network)(async (fetcher) => {
      await assert.rejects(read(await fetcher.openGuarded(`${origin}/large.csv`, { maxBytes: 1_000_000 })), {
        code: "FETCH_TOO_LARGE",
      });
      await assert.rejects(read(await fetcher.openGuarded(`${origin}/empty-gzip.csv`, { maxBytes: 1_000_000 })), {
        code: "FETCH_TOO_LARGE",
      });
      await assert.rejects(fetcher.openGuarded(`${origin}/feed.csv`, { maxBytes: 3 }), { code: "FETCH_TOO_LARGE" });
    });
  });

  it("closes the connection when the reader leaves, and when the caller gives up", async () => {
    await withFetcher(shop.network)(async (fetcher) => {
      closed.length = 0;
      for await (const _ of await fetcher.openGuarded(`${origin}/large.csv`)) break;
      while (closed.length < 1) await new Promise((next) => setImmediate(next));
      const caller = new AbortController();
      const stream = await fetcher.openGuarded(`${origin}/pause.csv`, { signal: caller.signal });
      setTimeout(() => caller.abort(), 20);
      await assert.rejects(read(stream), { code: "FETCH_CANCELLED" });
      while (closed.length < 2) await new Promise((next) => setImmediate(next));
    });
  });

  it("has the same guards", async () => {
    await withFetcher(shop.network)(async (fetcher) => {
      const cases = [
        [`${shop.origin}/redirect?to=http://127.0.0.1:${shop.port}/`, "FETCH_ADDRESS_REFUSED"],
        [`${shop.origin}/loop`, "FETCH_TOO_MANY_REDIRECTS"],
        ["file:///etc/passwd", "FETCH_SCHEME_REFUSED"],
        [`${origin}/missing.csv`, "FETCH_NOT_FOUND"],
      ] as const;
      for (const [url, code] of cases) await assert.rejects(fetcher.openGuarded(url), { code });
      const cut = await fetcher.openGuarded(`http://shop.example:${shop.rawPort}/cut`);
      await assert.rejects(read(cut), { code: "FETCH_INCOMPLETE", retryable: true });
    });
  });
});
