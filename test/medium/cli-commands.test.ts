import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import sharp from "sharp";
import { lookalike } from "../support/command-line.js";
import { copyEmbeddedTemplate } from "../support/database.js";

/** A plain picture, the same colour family for a category, so that neighbours are of the same one. */
function picture(red: number, green: number, blue: number): Promise<Buffer> {
  const circle = `<circle cx="60" cy="60" r="${20 + (red % 20)}" fill="rgb(${blue},${red},${green})"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120"><rect width="120" height="120" fill="rgb(${red},${green},${blue})"/>${circle}</svg>`;
  return sharp(Buffer.from(svg)).jpeg().toBuffer();
}

describe("the command line without a server", () => {
  let folder: string;
  let catalog: string;
  let settings: Record<string, string>;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-cli-"));
    catalog = path.join(folder, "garments");
    settings = { LOOKALIKE_DATA: path.join(folder, "data") };
    await copyEmbeddedTemplate(settings.LOOKALIKE_DATA!);
    for (const [split, count] of [
      ["train", 4],
      ["test", 2],
    ] as const) {
      for (const [label, base] of [
        ["red", 200],
        ["dark", 40],
      ] as const) {
        await mkdir(path.join(catalog, split, label), { recursive: true });
        for (let index = 0; index < count; index += 1) {
          const shade = base + index * 5 + (split === "test" ? 2 : 0);
          await writeFile(
            path.join(catalog, split, label, `${split}-${label}-${index}.jpg`),
            await picture(shade, 30 + index, 40),
          );
        }
      }
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await lookalike([...args, "--json"], settings);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim().split("\n").length, 1, "one JSON value and nothing else on standard output");
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it("imports a folder and sees it embedded, with a worker of its own", async () => {
    const dry = await json("import", catalog, "--dry-run");
    assert.equal(dry.created, 12);
    const { code, stdout, stderr } = await lookalike(["import", catalog, "--wait"], settings);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Imported 12 rows .* 12 created, 0 updated/);
    assert.match(stdout, /Embedded 12 photos/);
    assert.match(stderr, /embedding: 12 of 12 photos/);
  });

  it("writes nothing when the same folder is imported again", async () => {
    const again = await json("import", catalog, "--wait");
    assert.deepEqual(
      { created: again.created, updated: again.updated, unchanged: again.unchanged },
      { created: 0, updated: 0, unchanged: 12 },
    );
    assert.equal((again.embedding as { embedded: number }).embedded, 0);
  });

  it("shows what looks alike, and draws it", async () => {
    const sheet = path.join(folder, "sheet.png");
    const answer = await json("similar", "prod_1", "--first", "3", "--sheet", sheet);
    assert.equal(answer.status, "READY");
    const items = answer.items as { id: string; distance: number; reason: string }[];
    assert.equal(items.length, 3);
    const { format, width, height } = await sharp(await readFile(sheet)).metadata();
    assert.equal(format, "png");
    assert.ok(width! > 900 && height! > 400);
    const people = await lookalike(["similar", "prod_1", "--first", "3"], settings);
    assert.match(people.stdout, /distance\s+id\s+title\s+reason/);
    assert.ok(people.stdout.includes(items[0]!.id));
  });

  it("evaluates with exactly the documented keys", async () => {
    const report = await json(
      "evaluate",
      "--model",
      "base",
      "--labels",
      "category",
      "--split",
      "test",
      "--gallery",
      "train",
    );
    assert.deepEqual(Object.keys(report), [
      "model",
      "labels",
      "split",
      "queries",
      "gallery",
      "recallAt1",
      "recallAt10",
      "mapAtR",
      "precisionAt1",
      "precisionAt10",
      "meanAveragePrecision",
      "seconds",
      "intervals",
    ]);
    assert.equal(report.queries, 4);
    assert.equal(report.gallery, 8);
    assert.equal(report.precisionAt1, 1);
  });

  it("evaluates labels that are chosen, by label, and against another model", async () => {
    const report = await json("evaluate", "--labels-only", "red", "--by-label", "--against", "base");
    assert.deepEqual([report.queries, report.gallery], [6, 6]);
    assert.deepEqual(
      (report.byLabel as { label: string }[]).map(({ label }) => label),
      ["red"],
    );
    const against = report.against as { model: string; queries: number; worse: string[]; byLabel: unknown[] };
    assert.deepEqual([against.model, against.queries, against.worse, against.byLabel.length], ["base-1", 6, [], 1]);
    const people = await lookalike(
      ["evaluate", "--exclude-labels", "dark", "--by-label", "--against", "base"],
      settings,
    );
    assert.match(people.stdout, /^Model base-1, labels category, split all: 6 queries in a gallery of 6/);
    assert.match(people.stdout, /measure\s+value\s+base-1\s+difference\s+95 % of resamples/);
    const wrong = await lookalike(["evaluate", "--labels-only", "green"], settings);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /no label "green"\. There are "dark", "red"/);
  });

  it("measures distances and draws them", async () => {
    const picture = path.join(folder, "distances.png");
    const report = await json("distribution", "--against", "base", "--out", picture);
    assert.deepEqual(
      [report.labels, report.photos, report.positivePairs, report.negativePairs],
      ["category", 12, 30, 36],
    );
    assert.equal((report.against as { model: string }).model, "base-1");
    const { format, height } = await sharp(await readFile(picture)).metadata();
    assert.deepEqual([format, height], ["png", 948]);
    const { stdout } = await lookalike(["distribution", "--out", path.join(folder, "distances.svg")], settings);
    assert.match(stdout, /peak of negatives/);
    assert.match(await readFile(path.join(folder, "distances.svg"), "utf8"), /^<svg /);
    const wrong = await lookalike(["distribution", "--out", path.join(folder, "distances.gif")], settings);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /must end in \.svg or \.png/);
  });

  it("tells the catalog's health, the models and the encoders", async () => {
    const health = await json("catalog", "health");
    assert.deepEqual([health.products, health.embeddedPhotos, health.coverage], [12, 12, 1]);
    const models = (await json("models")) as unknown as { name: string; state: string }[];
    assert.deepEqual(
      models.map(({ state }) => state),
      ["ACTIVE"],
    );
    const encoders = (await json("encoder", "list")) as unknown as { name: string; installed: boolean }[];
    assert.ok(encoders.some(({ name, installed }) => name === "mobilenet-v2" && installed));
  });

  it("never overwrites a feed with the list of its problems", async () => {
    const feed = path.join(folder, "feed.csv");
    const rows = "id,title,image_link\nonly,Only,missing.jpg\n";
    await writeFile(feed, rows);
    await symlink(feed, path.join(folder, "list.jsonl"));
    for (const list of [feed, path.join(folder, "list.jsonl")]) {
      const { code, stderr } = await lookalike(["import", feed, "--errors", list], settings);
      assert.equal(code, 1);
      assert.match(stderr, /is the feed itself/);
      assert.equal(await readFile(feed, "utf8"), rows);
    }
  });

  it("ends with an exit code when no row of a feed could be taken", async () => {
    const feed = path.join(folder, "hopeless.csv");
    await writeFile(feed, "id,title,price\nx1,Thing,-5 EUR\n");
    const { code, stdout } = await lookalike(["import", feed], settings);
    assert.equal(code, 1);
    assert.match(stdout, /1 left out/);
  });

  it("fails with one clear line and an exit code", async () => {
    const cases: [string[], RegExp][] = [
      [["similar", "nobody"], /^lookalike: There is no product "nobody"/],
      [["import", path.join(folder, "nowhere")], /^lookalike: .*nowhere does not exist/],
      [["evaluate", "--labels", "taste"], /^lookalike: .*taste/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await lookalike(args, settings);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      const [line, ...rest] = stderr.trim().split("\n");
      assert.match(line!, message);
      assert.deepEqual(rest, []);
    }
    const wrong = await lookalike(["models"], { ...settings, LOOKALIKE_PORT: "many" });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^lookalike: The configuration is not valid. port \(LOOKALIKE_PORT\)/);
  });

  it("needs a running server for a worker on the embedded database", async () => {
    const { code, stderr } = await lookalike(["worker"], settings);
    assert.equal(code, 1);
    assert.match(stderr, /Start "lookalike serve" first/);
  });
});

describe("the command line's help", () => {
  const commands = [
    [],
    ["serve"],
    ["worker"],
    ["demo"],
    ["import"],
    ["similar"],
    ["evaluate"],
    ["distribution"],
    ["models"],
    ["encoder"],
    ["encoder", "list"],
    ["encoder", "pull"],
    ["encoder", "add"],
    ["catalog"],
    ["catalog", "health"],
  ];
  it("explains every command", async () => {
    for (const words of commands) {
      const { code, stdout } = await lookalike([...words, "--help"]);
      assert.equal(code, 0, words.join(" "));
      assert.match(stdout, /^Usage: lookalike/);
    }
    assert.match((await lookalike(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it("refuses what it does not know", async () => {
    for (const args of [
      ["serve", "--prot", "1"],
      ["sreve"],
      ["similar"],
      ["similar", "a", "--first", "0"],
      ["evaluate", "--split", "x"],
    ]) {
      const { code, stderr } = await lookalike(args);
      assert.equal(code, 1, args.join(" "));
      assert.match(stderr, /^error: /);
    }
  });
});
