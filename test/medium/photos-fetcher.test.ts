import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { Network } from "../../src/catalog/guarded-connector.js";
import { createGuardedFetcher, type FetcherConfig } from "../../src/catalog/guarded-fetcher.js";
import type { GuardedFetcher, GuardedStream } from "../../src/catalog/guarded-fetcher.type.js";
import { createLogger } from "../../src/logger.js";
import { type HostileShop, startHostileShop } from "../support/photos-hostile-shop.js";
import { jpegPhoto } from "../support/photos-samples.js";
import { certificate, privateKey } from "../support/photos-tls.js";

const config: FetcherConfig = {
  fetchAllowPrivate: false,
  fetchMaxBytes: 1_000_000,
  fetchPerHost: 2,
  fetchTimeoutMs: 20_000,
};
const logger = createLogger("silent");

function withFetcher(network: Network, changes: Partial<FetcherConfig> = {}) {
  return async (work: (fetcher: GuardedFetcher) => Promise<void>) => {
    const fetcher = createGuardedFetcher({ config: { ...config, ...changes }, logger, network });
    try {
      await work(fetcher);
    } finally {
      await fetcher.close();
    }
  };
}

async function listen(server: http.Server | https.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("guarded fetcher", () => {
  let shop: HostileShop;
  before(async () => {
    shop = await startHostileShop();
  });
  after(() => shop.close());

  it("checks and dials the same answer of the resolver, so that a second answer has no effect", async () => {
    const url = `http://rebinding.example:${shop.port}/photo.jpg`;
    await withFetcher(shop.network)(async (fetcher) => {
      assert.equal((await fetcher.fetchBytes(url)).kind, "fetched");
      assert.equal(shop.resolved.filter((name) => name === "rebinding.example").length, 1);
    });
    // The name leads to loopback by now; a new connection meets the guard again.
    await withFetcher(shop.network)((fetcher) =>
      assert.rejects(fetcher.fetchBytes(url), { code: "FETCH_ADDRESS_REFUSED" }),
    );
  });

  it("asks conditionally when it is given validators", async () => {
    await withFetcher(shop.network)(async (fetcher) => {
      const first = await fetcher.fetchBytes(`${shop.origin}/cached.jpg`);
      assert.ok(first.kind === "fetched");
      assert.deepEqual(
        { ...first, bytes: undefined },
        { kind: "fetched", bytes: undefined, etag: '"v1"', lastModified: "Mon, 02 Nov 2026 10:00:00 GMT" },
      );
      const { etag, lastModified } = first;
      assert.deepEqual(await fetcher.fetchBytes(`${shop.origin}/cached.jpg`, { etag, lastModified }), {
        kind: "not-modified",
      });
      assert.equal(shop.requests.at(-1)!.headers["if-modified-since"], lastModified);
      assert.equal((await fetcher.fetchBytes(`${shop.origin}/cached.jpg`, { etag: '"v0"' })).kind, "fetched");
    });
  });

  it("asks no proxy", async () => {
    const variables = ["HTTP_PROXY", "http_proxy", "ALL_PROXY"];
    const before = variables.map((name) => process.env[name]);
    for (const name of variables) process.env[name] = "http://127.0.0.1:9";
    try {
      await withFetcher(shop.network)(async (fetcher) => {
        assert.equal((await fetcher.fetchBytes(`${shop.origin}/photo.jpg`)).kind, "fetched");
      });
    } finally {
      for (const [index, name] of variables.entries()) {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      }
    }
  });

  it("opens private addresses when it is told to, and metadata addresses never", async () => {
    await withFetcher(shop.network, { fetchAllowPrivate: true })(async (fetcher) => {
      assert.equal((await fetcher.fetchBytes(`http://127.0.0.1:${shop.port}/photo.jpg`)).kind, "fetched");
      for (const url of ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://metadata.example/"]) {
        await assert.rejects(fetcher.fetchBytes(url), { code: "FETCH_ADDRESS_REFUSED", message: /metadata/ });
      }
    });
  });

  it("keeps to the limit of each host, and lets hosts wait for nobody else", async () => {
    const busy = new Map<string, number>();
    let most = 0;
    const release: (() => void)[] = [];
    const server = http.createServer((request, response) => {
      const host = request.headers.host ?? "";
      busy.set(host, (busy.get(host) ?? 0) + 1);
      most = Math.max(most, busy.get(host)!);
      release.push(() => {
        busy.set(host, busy.get(host)! - 1);
        response.end("x");
      });
    });
    const port = await listen(server);
    await withFetcher(shop.network)(async (fetcher) => {
      const fetches = ["a", "b", "c"].flatMap((name) =>
        Array.from({ length: 6 }, () => fetcher.fetchBytes(`http://${name}.example:${port}/`)),
      );
      const all = Promise.all(fetches);
      for (let done = 0; done < fetches.length; ) {
        // Two of each of three hosts at first.
        while (release.length < Math.min(6, fetches.length - done)) await new Promise((next) => setImmediate(next));
        done += 1;
        release.shift()!();
      }
      await all;
      assert.equal(most, 2);
    });
    server.close();
  });

  it("stops when the caller gives up, waiting or not", async () => {
    await withFetcher(shop.network, { fetchPerHost: 1 })(async (fetcher) => {
      const caller = new AbortController();
      const asked = shop.requests.length;
      const one = fetcher.fetchBytes(`${shop.origin}/slow-headers.jpg`, { signal: caller.signal });
      const queued = fetcher.fetchBytes(`${shop.origin}/photo.jpg`, { signal: caller.signal });
      setTimeout(() => caller.abort(), 50);
      await assert.rejects(one, { code: "FETCH_CANCELLED", retryable: true });
      await assert.rejects(queued, { code: "FETCH_CANCELLED" });
      assert.equal(shop.requests.slice(asked).filter((request) => request.path === "/photo.jpg").length, 0);
    });
  });

  it("refuses localhost through the machine's own resolver, and fetches from it when it may", async () => {
    const url = `http://localhost:${shop.port}/photo.jpg`;
    for (const [fetchAllowPrivate, outcome] of [
      [false, "FETCH_ADDRESS_REFUSED"],
      [true, "fetched"],
    ] as const) {
      const fetcher = createGuardedFetcher({ config: { ...config, fetchAllowPrivate }, logger });
      const found = await fetcher.fetchBytes(url).then(
        ({ kind }) => kind,
        (error: Error & { code: string }) => error.code,
      );
      assert.equal(found, outcome);
      await fetcher.close();
    }
  });

  it("gives up a name server that never answers", async () => {
    const network: Network = { resolve: () => new Promise(() => {}) };
    await withFetcher(network, { fetchTimeoutMs: 200 })((fetcher) =>
      assert.rejects(fetcher.fetchBytes("http://shop.example/"), { code: "FETCH_TIMEOUT" }),
    );
  });
});

describe("guarded fetcher over TLS", () => {
  it("names and verifies the host name, though it dials an address", async () => {
    const named: (string | false | undefined)[] = [];
    const photo = await jpegPhoto();
    const server = https.createServer({ cert: certificate, key: privateKey }, (request, response) => {
      named.push((request.socket as TLSSocket & { servername?: string | false }).servername);
      if (request.url === "/downgrade") response.writeHead(302, { location: "http://shop.example/a.jpg" }).end();
      else response.end(photo);
    });
    const port = await listen(server);
    const folder = await mkdtemp(path.join(tmpdir(), "lookalike-tls-"));
    await writeFile(path.join(folder, "ca.pem"), certificate);
    const client = fileURLToPath(new URL("../support/photos-https-client.js", import.meta.url));
    const urls = [
      `https://shop.example:${port}/`,
      `https://other.example:${port}/`,
      `https://shop.example:${port}/downgrade`,
    ];
    const ask = async (environment: NodeJS.ProcessEnv) =>
      JSON.parse((await promisify(execFile)(process.execPath, [client, ...urls], { env: environment })).stdout);

    const trusting = await ask({ ...process.env, NODE_EXTRA_CA_CERTS: path.join(folder, "ca.pem") });
    assert.deepEqual(trusting, ["fetched", "FETCH_TLS_FAILED", "FETCH_DOWNGRADE_REFUSED"]);
    assert.deepEqual(named, ["shop.example", "shop.example"]);
    assert.deepEqual(await ask(process.env), Array(3).fill("FETCH_TLS_FAILED"));
    server.close();
    await rm(folder, { recursive: true });
  });
});

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
