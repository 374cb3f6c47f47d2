import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressRefusal } from "../../src/catalog/fetching/guarded-address.js";
import { FetchFailed } from "../../src/catalog/fetching/guarded-fetch.error.js";
import { createHostLimits } from "../../src/catalog/fetching/guarded-hosts.js";
import { nameFailure, retryAfterSeconds } from "../../src/catalog/fetching/guarded-response.js";
import { describeUrl, parseGuardedUrl } from "../../src/catalog/fetching/guarded-url.js";

describe("addresses that may be dialled", () => {
  const table: readonly (readonly [address: string, open: "public" | "private" | "never"])[] = [
    ["93.184.215.14", "public"],
    ["8.8.8.8", "public"],
    ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "public"],
    ["127.0.0.1", "private"],
    ["127.255.255.254", "private"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["172.32.0.1", "public"],
    ["192.168.1.1", "private"],
    ["169.254.10.10", "private"],
    ["100.64.0.1", "private"],
    ["100.127.255.255", "private"],
    ["::1", "private"],
    ["fe80::1", "private"],
    ["fe80::1%eth0", "private"],
    ["fd12:3456:789a::1", "private"],
    ["169.254.169.254", "never"],
    ["169.254.170.2", "never"],
    ["168.63.129.16", "never"],
    ["100.100.100.200", "never"],
    ["192.0.0.192", "never"],
    ["fd00:ec2::254", "never"],
    ["fd00:0ec2:0:0:0:0:0:254", "never"],
    ["0.0.0.0", "never"],
    ["0.1.2.3", "never"],
    ["255.255.255.255", "never"],
    ["224.0.0.1", "never"],
    ["240.0.0.1", "never"],
    ["192.0.2.1", "never"],
    ["198.18.0.1", "never"],
    ["198.51.100.1", "never"],
    ["203.0.113.1", "never"],
    ["::", "never"],
    ["ff02::1", "never"],
    ["::ffff:10.0.0.1", "never"],
    ["::ffff:93.184.215.14", "never"],
    ["::ffff:169.254.169.254", "never"],
    ["::ffff:a9fe:a9fe", "never"],
    ["::10.0.0.1", "never"],
    ["::a00:1", "never"],
    ["64:ff9b::10.0.0.1", "never"],
    ["64:ff9b::7f00:1", "never"],
    ["64:ff9b:1::1", "never"],
    ["2002:a00:1::1", "never"],
    ["2001:0:a00:1::1", "never"],
    ["2001:db8::1", "never"],
    ["fec0::1", "never"],
    ["100::1", "never"],
    ["4000::1", "never"],
    ["not an address", "never"],
    ["", "never"],
  ];
  for (const [address, open] of table) {
    it(`${address || "(nothing)"}: ${open}`, () => {
      assert.equal(addressRefusal(address, false) === undefined, open === "public");
      assert.equal(addressRefusal(address, true) === undefined, open !== "never");
    });
  }
});

describe("addresses in messages", () => {
  it("show no password, no signature and no more than 200 characters", () => {
    assert.equal(describeUrl("https://user:secret@shop.example/a.jpg?Signature=abc#x"), "https://shop.example/a.jpg");
    assert.equal(
      describeUrl(new URL("https://user:secret@shop.example/a.jpg?Signature=abc")),
      "https://shop.example/a.jpg",
    );
    assert.equal(describeUrl(`http://shop.example/${"a".repeat(500)}`).length, 201);
  });
  it("are read as they would be dialled", () => {
    assert.equal(parseGuardedUrl("HTTP://0x7f.1/").hostname, "127.0.0.1");
    assert.equal(parseGuardedUrl("http://2130706433:8080/").hostname, "127.0.0.1");
    assert.equal(
      parseGuardedUrl("/b.jpg", new URL("https://shop.example:8443/a.jpg")).href,
      "https://shop.example:8443/b.jpg",
    );
    assert.throws(() => parseGuardedUrl("http://shop.example/", new URL("https://shop.example/")), {
      code: "FETCH_DOWNGRADE_REFUSED",
    });
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  for (const [value, seconds] of [
    [undefined, undefined],
    ["120", 120],
    ["0", undefined],
    ["99999999", 86_400],
    ["Thu, 01 Jan 2026 00:01:30 GMT", 90],
    ["Wed, 31 Dec 2025 23:00:00 GMT", undefined],
    ["soon", undefined],
    ["-5", undefined],
  ] as const) {
    it(`${value}: ${seconds}`, () => assert.equal(retryAfterSeconds(value, now), seconds));
  }
});

describe("reasons", () => {
  it("say whose fault it was", () => {
    const coded = (code: string) => nameFailure(Object.assign(new Error("x"), { code }), "it", false);
    assert.deepEqual(
      ["ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "CERT_HAS_EXPIRED", "UND_ERR_CONNECT_TIMEOUT", "EAI_AGAIN"].map(
        (code) => coded(code).code,
      ),
      [
        "FETCH_DNS_FAILED",
        "FETCH_CONNECTION_FAILED",
        "FETCH_CONNECTION_FAILED",
        "FETCH_TLS_FAILED",
        "FETCH_TIMEOUT",
        "FETCH_DNS_FAILED",
      ],
    );
    assert.equal(new FetchFailed("FETCH_ADDRESS_REFUSED", "no").retryable, false);
    assert.equal(nameFailure("thrown text", "it", true).code, "FETCH_INCOMPLETE");
  });
});

describe("limits of hosts", () => {
  it("are forgotten when nothing of the host is left, whatever came of it", async () => {
    const limits = createHostLimits(1);
    const work = ["a", "a", "b"].map((host) => limits.run(host, async () => host));
    const failing = limits.run("c", () => Promise.reject(new Error("no")));
    assert.equal(limits.size, 3);
    await assert.rejects(failing);
    assert.deepEqual(await Promise.all(work), ["a", "a", "b"]);
    assert.equal(limits.size, 0);
  });
});
