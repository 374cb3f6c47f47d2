import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Network } from "../../src/catalog/fetching/guarded-connector.js";
import { createGuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.js";
import { createLogger } from "../../src/logger.js";
import { fetcherConfig, listen, withFetcher } from "../support/photos-fetchers.js";
import { type HostileShop, startHostileShop } from "../support/photos-hostile-shop.js";
import { jpegPhoto } from "../support/photos-samples.js";
import { certificate, privateKey } from "../support/photos-tls.js";

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
      const fetcher = createGuardedFetcher({
        config: { ...fetcherConfig, fetchAllowPrivate },
        logger: createLogger("silent"),
      });
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
