import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { lockEncoder, readEncoderLock } from "../../src/encoders/encoder-lock.js";
import {
  createEncoderRegistry,
  type DownloadProgress,
  defaultLockFile,
  type PullDependencies,
  pullEncoder,
} from "../../src/encoders/index.js";
import { createLogger } from "../../src/logger.js";
import { writeModel } from "../../src/onnx/index.js";
import { tinyModel } from "../support/encoders-tiny-model.js";
import { type FakeHub, startFakeHub } from "../support/fake-hub.js";

const REPOSITORY = "someone/tiny-vision";
const FILE = "onnx/vision_model.onnx";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const bytes = Buffer.from(writeModel(tinyModel()));
const sha256 = createHash("sha256").update(bytes).digest("hex");

let root: string;
let builtin: string;
let hub: FakeHub;
let data: string;

before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lookalike-pull-"));
  builtin = path.join(root, "builtin");
  for (const [name, output] of [
    ["tiny", "image_embeds"],
    ["wrong-output", "pooler_output"],
  ] as const) {
    await mkdir(path.join(builtin, name), { recursive: true });
    const manifest = {
      name,
      description: "A test encoder.",
      licence: "MIT",
      origin: "test",
      model: "model.onnx",
      input: "pixel_values",
      preprocessing: { size: 16, resize: "squash", layout: "NCHW", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      output,
      pooling: "none",
      dims: 128,
      cuts: [],
      hub: { repository: REPOSITORY, revision: "main", file: FILE },
    };
    await writeFile(path.join(builtin, name, "manifest.json"), JSON.stringify(manifest));
  }
});
after(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  data = await mkdtemp(path.join(root, "data-"));
  hub = await startFakeHub();
  hub.files = [{ repository: REPOSITORY, file: FILE, commit: COMMIT, bytes }];
});
afterEach(() => hub.close());

function dependencies(changes: Partial<PullDependencies> = {}): PullDependencies {
  return {
    config: { data },
    logger: createLogger("silent"),
    builtin,
    hub: { url: hub.url, attempts: 3, pause: 1 },
    ...changes,
  };
}

const downloads = () => readdir(path.join(data, "encoders", ".downloads")).catch(() => [] as string[]);
const bodies = () => hub.requests.filter(({ server, method }) => server === "cdn" && method === "GET");

describe("encoder pull", () => {
  it("downloads, verifies, records and opens an encoder, with progress", async () => {
    const seen: DownloadProgress[] = [];
    const pulled = await pullEncoder("tiny", dependencies({ progress: (progress) => seen.push(progress) }));

    assert.equal(pulled.present, false);
    assert.deepEqual(await readFile(pulled.modelPath), bytes);
    assert.deepEqual(seen.at(-1), { received: bytes.length, total: bytes.length, resumedFrom: 0 });
    assert.deepEqual(JSON.parse(await readFile(defaultLockFile(data), "utf8")), {
      version: 1,
      encoders: { tiny: { repository: REPOSITORY, file: FILE, commit: COMMIT, size: bytes.length, sha256 } },
    });
    assert.deepEqual(await downloads(), []);
    const registry = createEncoderRegistry(dependencies());
    assert.equal((await registry.open("tiny")).digest, pulled.digest);
    // The body is asked for at the commit that was described, so a push in between changes nothing.
    assert.ok(hub.requests.some(({ method, path }) => method === "GET" && path.includes(`/resolve/${COMMIT}/`)));
  });

  it("asks the network nothing when the locked encoder is here already", async () => {
    await pullEncoder("tiny", dependencies());
    const before = hub.requests.length;
    assert.equal((await pullEncoder("tiny", dependencies())).present, true);
    assert.equal(hub.requests.length, before);
  });

  it("continues a download that broke off, in the same call", async () => {
    hub.cuts.push(100_000, 50_000);
    const pulled = await pullEncoder("tiny", dependencies());
    assert.deepEqual(await readFile(pulled.modelPath), bytes);
    assert.deepEqual(
      bodies().map(({ range }) => range),
      [undefined, "bytes=100000-", "bytes=150000-"],
    );
  });

  it("keeps what came and continues in the next call", async () => {
    hub.cuts.push(100_000, 0, 0, 0);
    await assert.rejects(pullEncoder("tiny", dependencies()), {
      code: "DOWNLOAD_CORRUPT",
      message: /breaks off at 100000 of \d+ bytes .*pull again to continue/,
    });
    assert.deepEqual(await downloads(), [`${sha256}.partial`]);

    const first: DownloadProgress[] = [];
    await pullEncoder("tiny", dependencies({ progress: (progress) => first.push(progress) }));
    assert.equal(bodies().at(-1)?.range, "bytes=100000-");
    assert.equal(first[0]?.resumedFrom, 100_000);
  });

  it("gives up a connection that falls silent and continues on another", async () => {
    hub.stalls.push(100_000);
    const pulled = await pullEncoder("tiny", dependencies({ hub: { url: hub.url, pause: 1, silence: 1000 } }));
    assert.deepEqual(await readFile(pulled.modelPath), bytes);
    assert.equal(bodies().at(-1)?.range, "bytes=100000-");
  });

  it("stops when it is told to, and keeps what came", async () => {
    hub.stalls.push(100_000);
    const stop = new AbortController();
    const progress = ({ received }: DownloadProgress) => {
      if (received === 100_000) stop.abort(new Error("enough"));
    };
    await assert.rejects(pullEncoder("tiny", dependencies({ progress, signal: stop.signal })), /enough/);
    assert.deepEqual(await downloads(), [`${sha256}.partial`]);
  });

  it("keeps every entry of the lock file when several pull at once", async () => {
    const lockFile = path.join(data, "encoders.lock.json");
    const names = Array.from({ length: 8 }, (_, index) => `encoder-${index}`);
    const entry = { repository: REPOSITORY, file: FILE, commit: COMMIT, size: 1, sha256 };
    await Promise.all(names.map((name) => lockEncoder(lockFile, name, entry)));
    assert.deepEqual(Object.keys(await readEncoderLock(lockFile)), names);
    assert.deepEqual((await readdir(data)).sort(), ["encoders.lock.json"]);
  });

  it("starts again when the server ignores the range", async () => {
    hub.cuts.push(100_000);
    hub.ignoreRanges = true;
    const pulled = await pullEncoder("tiny", dependencies());
    assert.deepEqual(await readFile(pulled.modelPath), bytes);
  });

  it("throws bytes away that do not have the announced hash", async () => {
    const other = Buffer.from(bytes);
    other[1000]! ^= 1;
    hub.files = [{ repository: REPOSITORY, file: FILE, commit: COMMIT, bytes: other, announced: { sha256 } }];
    await assert.rejects(pullEncoder("tiny", dependencies()), { code: "DOWNLOAD_CORRUPT", message: /hash/ });
    assert.deepEqual(await downloads(), []);
    await assert.rejects(createEncoderRegistry(dependencies()).open("tiny"), { code: "ENCODER_UNKNOWN" });
  });

  it("refuses a body longer than announced", async () => {
    hub.files = [{ repository: REPOSITORY, file: FILE, commit: COMMIT, bytes, announced: { size: 5000 } }];
    await assert.rejects(pullEncoder("tiny", dependencies()), { code: "DOWNLOAD_CORRUPT", message: /longer than/ });
    assert.deepEqual(await downloads(), []);
  });

  it("waits out 503 and 429, and gives up after the last try", async () => {
    hub.hubFailures.push({ status: 503 }, { status: 429 });
    await pullEncoder("tiny", dependencies());
    await rm(path.join(data, "encoders"), { recursive: true });
    hub.hubFailures.push({ status: 503 }, { status: 503 }, { status: 503 });
    await assert.rejects(pullEncoder("tiny", dependencies()), { code: "HUB_REFUSED", status: 503 });
  });

  it("says that a file is not there", async () => {
    hub.files = [];
    await assert.rejects(pullEncoder("tiny", dependencies()), {
      code: "HUB_REFUSED",
      status: 404,
      message: /has no someone\/tiny-vision\/onnx\/vision_model\.onnx at main .*encoder add/,
    });
  });

  it("says in one line that the hub is out of reach", async () => {
    await hub.close();
    await assert.rejects(pullEncoder("tiny", dependencies()), (error: Error & { code: string }) => {
      assert.equal(error.code, "HUB_OFFLINE");
      assert.match(error.message, /^The hub cannot be reached: 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });

  it("follows the relative redirect of a renamed repository", async () => {
    hub.files = [{ repository: "someone/new-name", file: FILE, commit: COMMIT, bytes }];
    hub.renamed.set(REPOSITORY, "someone/new-name");
    assert.deepEqual(await readFile((await pullEncoder("tiny", dependencies())).modelPath), bytes);
  });

  it("verifies small files by git's blob hash", async () => {
    hub.files = [{ repository: REPOSITORY, file: FILE, commit: COMMIT, bytes, small: true }];
    assert.equal((await pullEncoder("tiny", dependencies())).locked?.sha256, sha256);
  });

  it("sends the token to the hub only, and never to the log", async () => {
    hub.files = [{ repository: REPOSITORY, file: FILE, commit: COMMIT, bytes, gated: true }];
    await assert.rejects(pullEncoder("tiny", dependencies()), {
      code: "HUB_REFUSED",
      status: 401,
      message: /HUB_TOKEN/,
    });
    let log = "";
    const sink = new Writable({
      write(chunk, _encoding, done) {
        log += String(chunk);
        done();
      },
    });
    const withToken = { url: hub.url, token: hub.token, attempts: 3, pause: 1 };
    await pullEncoder("tiny", dependencies({ hub: withToken, logger: createLogger("trace", sink) }));
    const sent = (server: "hub" | "cdn") =>
      hub.requests.filter((request) => request.server === server && request.authorization === `Bearer ${hub.token}`);
    assert.ok(sent("hub").length > 0);
    assert.equal(sent("cdn").length, 0);
    assert.ok(bodies().length > 0);
    assert.match(log, /pulling encoder/);
    assert.ok(!log.includes(hub.token));
  });

  it("takes the locked commit on a second machine, though the branch has moved", async () => {
    const lockFile = path.join(data, "encoders.lock.json");
    await pullEncoder("tiny", dependencies({ lockFile }));
    const newer = Buffer.from(writeModel(tinyModel({ dims: 128, blind: "ones" })));
    const newCommit = COMMIT.replaceAll("0", "f");
    // The hub finds the first file that fits, so "main" now means the newer one.
    hub.files = [
      { repository: REPOSITORY, file: FILE, commit: newCommit, bytes: newer },
      { repository: REPOSITORY, file: FILE, commit: COMMIT, bytes },
    ];
    const second = await mkdtemp(path.join(root, "second-"));
    const pulled = await pullEncoder("tiny", dependencies({ lockFile, config: { data: second } }));
    assert.deepEqual(await readFile(pulled.modelPath), bytes);
  });

  it("refuses other bytes than are locked", async () => {
    const lockFile = path.join(data, "encoders.lock.json");
    await pullEncoder("tiny", dependencies({ lockFile }));
    hub.files = [{ repository: REPOSITORY, file: FILE, commit: COMMIT, bytes: Buffer.concat([bytes, bytes]) }];
    const second = await mkdtemp(path.join(root, "second-"));
    await assert.rejects(pullEncoder("tiny", dependencies({ lockFile, config: { data: second } })), {
      code: "DOWNLOAD_CORRUPT",
      message: /other bytes .* than are locked/,
    });
  });

  it("pulls again over a damaged file", async () => {
    const { modelPath } = await pullEncoder("tiny", dependencies());
    await writeFile(modelPath, "damaged");
    await assert.rejects(createEncoderRegistry(dependencies()).open("tiny"), { code: "ENCODER_BROKEN" });
    assert.equal((await pullEncoder("tiny", dependencies())).present, false);
    assert.deepEqual(await readFile(modelPath), bytes);
  });

  it("does not install a model that is not what its manifest says", async () => {
    await assert.rejects(pullEncoder("wrong-output", dependencies()), {
      code: "ENCODER_BROKEN",
      message: /no output "pooler_output", only image_embeds/,
    });
    await assert.rejects(createEncoderRegistry(dependencies()).open("wrong-output"), { code: "ENCODER_UNKNOWN" });
  });

  it("leaves the file to the process that is downloading it", async () => {
    const folder = path.join(data, "encoders", ".downloads");
    await mkdir(folder, { recursive: true });
    const lock = path.join(folder, `${sha256}.partial.lock`);
    await writeFile(lock, String(process.ppid));
    await assert.rejects(pullEncoder("tiny", dependencies()), { message: /is downloading this file already/ });
    // No process has this id: the holder died.
    await writeFile(lock, String(2 ** 30));
    await pullEncoder("tiny", dependencies());
  });

  it("names what can be pulled when the name is not known", async () => {
    await assert.rejects(pullEncoder("nothing-like-it", dependencies()), {
      code: "ENCODER_UNKNOWN",
      message: /tiny, wrong-output/,
    });
  });
});
