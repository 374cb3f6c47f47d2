import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FetchFailed } from "../../src/catalog/fetching/guarded-fetch.error.js";
import { createGuardedFetcher, type FetcherConfig } from "../../src/catalog/fetching/guarded-fetcher.js";
import type { GuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.type.js";
import { inspectPhoto } from "../../src/catalog/photos/photo-intake.js";
import { codeOf } from "../../src/errors.js";
import { createLogger } from "../../src/logger.js";
import { type HostileShop, startHostileShop } from "../support/photos-hostile-shop.js";

const limits = { fetchMaxBytes: 1_000_000, maxPixels: 100_000_000 };
const config: FetcherConfig = { ...limits, fetchAllowPrivate: false, fetchPerHost: 4, fetchTimeoutMs: 20_000 };

/** Photo or address → code, and whether the queue tries it again. `{shop}` is the shop's port, `{raw}` the broken one's. */
const TABLE: readonly (readonly [name: string, address: string, code: string, retried?: "retried"])[] = [
  ["a good photo", "/photo.jpg", "OK"],
  ["a good photo called text/html", "/wrong-type", "OK"],
  ["a good photo on another name whose first address is private", "http://mixed.example:{shop}/photo.jpg", "OK"],
  ["a good photo after five redirects", "/hops?left=5", "OK"],
  ["a good photo behind a redirect whose own body never ends", "/redirect-endless-body?to=/photo.jpg", "OK"],
  ["a photo packed although we asked for it plain", "/gzipped.jpg", "OK"],
  ["a photo with a megabyte of web page behind it", "/polyglot.jpg", "OK"],
  ["a photo with 65 kB of broken EXIF", "/huge-exif.jpg", "OK"],
  ["a GIF of one pixel", "/pixel.gif", "OK"],
  ["a GIF of 5000 frames", "/frames.gif", "OK"],
  ["a cookie that must not come back", "/cookies", "OK"],
  ["a JPEG that was cut", "/truncated.jpg", "PHOTO_TRUNCATED"],
  ["a PNG of 50,000 × 50,000 pixels", "/bomb.png", "PHOTO_TOO_LARGE"],
  ["an SVG that reads a file", "/drawing.svg", "PHOTO_FORMAT_UNSUPPORTED"],
  ["an SVG called .jpg", "/drawing.jpg", "PHOTO_FORMAT_UNSUPPORTED"],
  ["a web page called .jpg", "/page.jpg", "PHOTO_NOT_AN_IMAGE"],
  ["noise", "/noise.jpg", "PHOTO_NOT_AN_IMAGE"],
  ["a HEIC photo", "/phone.heic", "PHOTO_FORMAT_UNSUPPORTED"],
  ["no bytes", "/empty.jpg", "PHOTO_EMPTY"],
  ["404", "/missing.jpg", "FETCH_NOT_FOUND"],
  ["410", "/gone.jpg", "FETCH_NOT_FOUND"],
  ["403", "/forbidden.jpg", "FETCH_STATUS_REFUSED"],
  ["500, and then good", "/500-once.jpg", "FETCH_UNAVAILABLE", "retried"],
  ["the second time of it", "/500-once.jpg", "OK"],
  ["503 with Retry-After", "/overloaded.jpg", "FETCH_UNAVAILABLE", "retried"],
  ["429 with Retry-After", "/limited.jpg", "FETCH_UNAVAILABLE", "retried"],
  ["202, still being made", "/making.jpg", "FETCH_UNAVAILABLE", "retried"],
  ["304 that nobody asked for", "/not-modified.jpg", "FETCH_PROTOCOL_BROKEN", "retried"],
  ["206 that nobody asked for", "/part.jpg", "FETCH_PROTOCOL_BROKEN", "retried"],
  ["a redirect to loopback", "/redirect?to=http://127.0.0.1:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["a redirect to localhost", "/redirect?to=http://[::1]:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["a redirect to a mapped private address", "/redirect?to=http://[::ffff:10.0.0.1]/", "FETCH_ADDRESS_REFUSED"],
  ["a redirect to the metadata service", "/redirect?to=http://169.254.169.254/latest/", "FETCH_ADDRESS_REFUSED"],
  ["a redirect to a name with a private address", "/redirect?to=http://intranet.example/", "FETCH_ADDRESS_REFUSED"],
  ["a redirect to a file", "/redirect?to=file:///etc/passwd", "FETCH_SCHEME_REFUSED"],
  ["a redirect to ftp", "/redirect?to=ftp://shop.example/photo.jpg", "FETCH_SCHEME_REFUSED"],
  ["a redirect with a password", "/redirect?to=http://a:b@shop.example/", "FETCH_CREDENTIALS_REFUSED"],
  ["a redirect to what is no address", "/redirect?to=http://[nonsense/", "FETCH_REDIRECT_INVALID"],
  ["a redirect to nowhere", "/redirect-nowhere", "FETCH_REDIRECT_INVALID"],
  ["a redirect loop", "/loop", "FETCH_TOO_MANY_REDIRECTS"],
  ["six redirects", "/hops?left=6", "FETCH_TOO_MANY_REDIRECTS"],
  ["loopback", "http://127.0.0.1:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback as a decimal number", "http://2130706433:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback in hexadecimal", "http://0x7f.1:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback in octal", "http://0177.0.0.1:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback in full-width digits", "http://１２７.0.0.1:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["this host", "http://0.0.0.0:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback inside NAT64", "http://[64:ff9b::7f00:1]:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback inside 6to4", "http://[2002:7f00:1::]:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["loopback in the old embedding", "http://[::127.0.0.1]:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["a name with a private address", "http://intranet.example:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["a name with a unique local address", "http://six.example:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["a name with the metadata address", "http://metadata.example:{shop}/photo.jpg", "FETCH_ADDRESS_REFUSED"],
  ["a name without an address", "http://nowhere.example/photo.jpg", "FETCH_DNS_FAILED", "retried"],
  ["a name that does not exist", "http://gone.example/photo.jpg", "FETCH_DNS_FAILED", "retried"],
  ["a password in the address", "http://user:secret@shop.example/photo.jpg", "FETCH_CREDENTIALS_REFUSED"],
  ["the port of a mail server", "http://shop.example:25/photo.jpg", "FETCH_PORT_REFUSED"],
  ["a port where nobody listens", "http://shop.example:1/photo.jpg", "FETCH_PORT_REFUSED"],
  ["a file", "file:///etc/passwd", "FETCH_SCHEME_REFUSED"],
  ["a script", "javascript:alert(1)", "FETCH_SCHEME_REFUSED"],
  ["no address", "not an address", "FETCH_URL_INVALID"],
  ["https where plain http is spoken", "https://shop.example:{shop}/photo.jpg", "FETCH_TLS_FAILED", "retried"],
  ["an endless body", "/endless.jpg", "FETCH_TOO_LARGE"],
  ["a body above the limit", "/large.jpg", "FETCH_TOO_LARGE"],
  ["a body that is announced above the limit", "/announced-large.jpg", "FETCH_TOO_LARGE"],
  ["20 MB in 20 kB of gzip", "/gzip-bomb.jpg", "FETCH_TOO_LARGE"],
  ["gzip that is none", "/broken-gzip.jpg", "FETCH_PROTOCOL_BROKEN", "retried"],
  ["a packing that we do not know", "/zstd.jpg", "FETCH_ENCODING_REFUSED"],
  ["a body packed twice", "/twice-packed.jpg", "FETCH_ENCODING_REFUSED"],
  ["a connection that is reset", "/reset.jpg", "FETCH_CONNECTION_FAILED", "retried"],
  ["a body shorter than announced", "http://shop.example:{raw}/content-length-larger", "FETCH_INCOMPLETE", "retried"],
  ["a body longer than announced", "http://shop.example:{raw}/content-length-smaller", "PHOTO_TRUNCATED"],
  ["two lengths", "http://shop.example:{raw}/content-length-twice", "FETCH_PROTOCOL_BROKEN", "retried"],
  ["100 kB of headers", "http://shop.example:{raw}/huge-headers", "FETCH_PROTOCOL_BROKEN", "retried"],
  ["a broken chunk", "http://shop.example:{raw}/chunk-broken", "FETCH_PROTOCOL_BROKEN", "retried"],
  ["a last chunk that never comes", "http://shop.example:{raw}/cut", "FETCH_INCOMPLETE", "retried"],
  ["another protocol", "http://shop.example:{raw}/ssh", "FETCH_PROTOCOL_BROKEN", "retried"],
];

const TOO_SLOW = ["/slow-body.jpg", "/stalled-body.jpg", "/slow-headers.jpg", "http://shop.example:{raw}/header-drip"];

describe("hostile photos and addresses", () => {
  let shop: HostileShop;
  let fetcher: GuardedFetcher;
  let hurried: GuardedFetcher;
  const unhandled: unknown[] = [];
  const remember = (reason: unknown) => unhandled.push(reason);

  before(async () => {
    shop = await startHostileShop();
    const logger = createLogger("silent");
    fetcher = createGuardedFetcher({ config, logger, network: shop.network });
    hurried = createGuardedFetcher({ config: { ...config, fetchTimeoutMs: 300 }, logger, network: shop.network });
    process.on("unhandledRejection", remember);
  });
  after(async () => {
    await fetcher.close();
    await hurried.close();
    await shop.close();
    process.off("unhandledRejection", remember);
  });

  const resolveAddress = (address: string) =>
    (address.startsWith("/") ? `${shop.origin}${address}` : address)
      .replaceAll("{shop}", String(shop.port))
      .replaceAll("{raw}", String(shop.rawPort));

  for (const [name, address, code, retried] of TABLE) {
    it(`${name}: ${code}`, async () => {
      let error: unknown;
      try {
        const outcome = await fetcher.fetchBytes(resolveAddress(address));
        assert.equal(outcome.kind, "fetched");
        await inspectPhoto(outcome.kind === "fetched" ? outcome.bytes : Buffer.alloc(0), limits);
      } catch (thrown) {
        error = thrown;
      }
      assert.equal(error === undefined ? "OK" : codeOf(error), code, String((error as Error)?.stack));
      assert.equal((error as FetchFailed | undefined)?.retryable ?? false, retried === "retried");
      assert.doesNotMatch(String((error as Error)?.message ?? ""), /secret|undefined/);
    });
  }

  for (const address of TOO_SLOW) {
    it(`${address}: FETCH_TIMEOUT`, async () => {
      await assert.rejects(hurried.fetchBytes(resolveAddress(address)), { code: "FETCH_TIMEOUT", retryable: true });
    });
  }

  it("says how long a server wants to be left alone", async () => {
    await assert.rejects(fetcher.fetchBytes(resolveAddress("/overloaded.jpg")), { retryAfterSeconds: 120 });
    await assert.rejects(
      fetcher.fetchBytes(resolveAddress("/limited.jpg")),
      ({ retryAfterSeconds }: FetchFailed) => retryAfterSeconds !== undefined && retryAfterSeconds <= 90,
    );
  });

  it("never reached a private address, and left nothing unhandled", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(unhandled, []);
    assert.deepEqual(
      shop.requests.filter(({ host }) => !/^(shop|mixed)\.example:/.test(host)),
      [],
    );
    assert.ok(
      shop.requests.every(({ headers }) => headers.cookie === undefined && headers.authorization === undefined),
    );
  });
});
