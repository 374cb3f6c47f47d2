import assert from "node:assert/strict";
import { test } from "node:test";
import {
  copiesFromClient,
  createClientReader,
  readAnswer,
  SYNC,
  simpleQuery,
} from "../../src/database/embedded/wire.js";

const message = (type: string, body: string): Buffer => {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body));
  bytes.write(type, 0);
  bytes.writeInt32BE(4 + Buffer.byteLength(body), 1);
  bytes.write(body, 5);
  return bytes;
};
const startup = Buffer.concat([Buffer.from([0, 0, 0, 23, 0, 3, 0, 0]), Buffer.from("user\0postgres\0\0")]);

test("a client's bytes become the same units however they are cut", () => {
  const parse = message("P", "\0SELECT $1\0\0\0");
  const bytes = Buffer.concat([startup, parse, SYNC, simpleQuery("SELECT 1"), message("X", "")]);
  const expected = [
    { kind: "unit", bytes: startup },
    { kind: "unit", bytes: Buffer.concat([parse, SYNC]) },
    { kind: "unit", bytes: simpleQuery("SELECT 1") },
    { kind: "end" },
  ];
  for (const size of [1, 2, 3, 7, 64, bytes.length]) {
    const read = createClientReader();
    const requests = [];
    for (let at = 0; at < bytes.length; at += size) requests.push(...read(bytes.subarray(at, at + size)));
    assert.deepEqual(requests, expected, `pieces of ${size}`);
  }
});

test("encryption is asked for before the startup packet", () => {
  const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
  const requests = createClientReader()(Buffer.concat([sslRequest, startup]));
  assert.deepEqual(requests, [{ kind: "encryption" }, { kind: "unit", bytes: startup }]);
});

test("an answer says whether a transaction is open", () => {
  assert.deepEqual(readAnswer(message("Z", "I")), { idle: true, ready: true, notifications: [] });
  assert.equal(readAnswer(message("Z", "T")).idle, false);
  assert.equal(readAnswer(message("Z", "E")).idle, false);
  assert.equal(readAnswer(message("1", "")).ready, false);
  const notification = message("A", "....channel\0\0");
  assert.deepEqual(readAnswer(Buffer.concat([notification, message("Z", "I")])).notifications, [notification]);
});

test("COPY FROM STDIN is recognised in both protocols, and only that", () => {
  const refused = [
    "COPY product FROM STDIN",
    "copy product (id) from stdin with (format csv)",
    "SELECT 1; COPY product FROM STDIN",
    "/* import */ COPY product\nFROM\nSTDIN",
  ];
  for (const text of refused) {
    assert.ok(copiesFromClient(simpleQuery(text)), text);
    assert.ok(copiesFromClient(Buffer.concat([message("P", `name\0${text}\0\0\0`), SYNC])), text);
  }
  for (const text of ["COPY product TO STDOUT", "SELECT 'copy x from stdin'", "SELECT stdin FROM copy"]) {
    assert.ok(!copiesFromClient(simpleQuery(text)), text);
  }
});
