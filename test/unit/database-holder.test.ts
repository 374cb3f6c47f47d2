import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { describeHolder, releaseHold, stillHolds, takeHold } from "../../src/database/embedded/holder.js";
import { livenessOf, ownIdentity } from "../../src/database/embedded/process-identity.js";

describe("the hold on a data folder", () => {
  let data: string;
  beforeEach(() => {
    data = mkdtempSync(path.join(tmpdir(), "lookalike-test-"));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  const take = () => takeHold(data, { role: "server", socketDirectory: "/nowhere" });
  const record = (generation: number, changes: object): string => {
    mkdirSync(path.join(data, "database"), { recursive: true });
    const file = path.join(data, "database", `holder-${String(generation).padStart(6, "0")}.json`);
    const holder = { ...ownIdentity(), role: "server", socketDirectory: "/nowhere", ...changes };
    writeFileSync(file, JSON.stringify(holder));
    return file;
  };

  test("of a folder that cannot be written says so", async () => {
    const file = path.join(data, "a file");
    writeFileSync(file, "");
    await assert.rejects(takeHold(file, { role: "client", socketDirectory: "/nowhere" }), {
      code: "EMBEDDED_DATABASE_FAILED",
      message: /rights of the folder/,
    });
  });

  test("is had by one, and free again when released", async () => {
    const first = await take();
    assert.ok("hold" in first);
    const second = await take();
    assert.ok("occupiedBy" in second);
    assert.equal(second.occupiedBy.pid, process.pid);
    releaseHold(first.hold);
    const third = await take();
    assert.ok("hold" in third);
    assert.equal(stillHolds(first.hold), false);
    assert.equal(stillHolds(third.hold), true);
    assert.equal(readdirSync(path.join(data, "database")).length, 1);
  });

  test("is had by one also when many ask at once for a stale one", async () => {
    record(7, { startTicks: "1" });
    const all = await Promise.all(Array.from({ length: 20 }, take));
    assert.equal(all.filter((result) => "hold" in result).length, 1);
  });

  test("is free when its process is gone", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    record(1, { pid: child.pid });
    assert.equal(await describeHolder(data), undefined);
  });

  test("is free when its process number now belongs to another process", async () => {
    record(1, { startTicks: "1" });
    assert.equal(await describeHolder(data), undefined);
  });

  test("of a process in another container counts while that one shows signs of life", async () => {
    const file = record(1, { scope: "elsewhere", host: "elsewhere" });
    const beats = setInterval(() => utimesSync(file, new Date(), new Date()), 30);
    assert.equal((await describeHolder(data, 2_000))?.host, "elsewhere");
    clearInterval(beats);
    assert.equal(await describeHolder(data, 500), undefined);
  });
});

test("a process knows itself to be alive", () => {
  assert.equal(livenessOf(ownIdentity()), "alive");
});
