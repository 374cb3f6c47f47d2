import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headersOf } from "../../src/library/host-context.js";
import { createLibraryLog } from "../../src/library/host-logger.js";
import { requestIdOf } from "../../src/server/operate/request-id.js";

describe("the library's log", () => {
  const noted: [string, object, string][] = [];
  const note = (level: string) => (fields: object, message: string) => void noted.push([level, fields, message]);
  const host = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };

  it("hands lines on to the host by their level, without secrets", () => {
    noted.length = 0;
    const { logger } = createLibraryLog("trace", host);
    logger.trace({ step: 1 }, "a trace");
    logger.info({ adminToken: "of the shop" }, "a piece of news");
    logger.fatal("the end");
    const levels = noted.map(([level, , message]) => [level, message]);
    assert.deepEqual(levels, [
      ["debug", "a trace"],
      ["info", "a piece of news"],
      ["error", "the end"],
    ]);
    assert.ok(!JSON.stringify(noted).includes("of the shop"));
  });

  it("hands on what processes of ours write, JSON or not", () => {
    noted.length = 0;
    const { writeLine } = createLibraryLog("info", host);
    writeLine!('{"level":50,"time":1,"pid":7,"msg":"a failure","code":"X"}\n');
    writeLine!("free(): invalid pointer");
    writeLine!("\n");
    writeLine!("42");
    assert.deepEqual(noted, [
      ["error", { pid: 7, code: "X" }, "a failure"],
      ["warn", {}, "free(): invalid pointer"],
      ["warn", {}, "42"],
    ]);
  });

  it("says nothing when it is told so", () => {
    noted.length = 0;
    const { logger, writeLine } = createLibraryLog("info", false);
    logger.error("nobody reads this");
    writeLine!("nor this");
    assert.deepEqual(noted, []);
  });
});

describe("a request of any kind", () => {
  it("has the headers that say who asks", () => {
    const headers = { authorization: "Bearer token", "x-request-id": "abc" };
    assert.equal(headersOf({ headers }).authorization, "Bearer token");
    const web = headersOf({ headers: new Headers({ ...headers, cookie: "of the shop" }) });
    assert.deepEqual(
      { ...web },
      {
        authorization: "Bearer token",
        "x-storefront-key": undefined,
        "x-visitor-key": undefined,
        "x-request-id": "abc",
      },
    );
  });

  it("keeps its id when that is a plain one", () => {
    assert.equal(requestIdOf({ "x-request-id": "7f-a_1" }), "7f-a_1");
    for (const odd of ["", "two words", "x".repeat(101), "a\nb"]) {
      assert.match(requestIdOf({ "x-request-id": odd }), /^[0-9a-f-]{36}$/);
    }
  });
});
