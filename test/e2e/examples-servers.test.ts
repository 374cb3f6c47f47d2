import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { packageRoot } from "../../src/database/package-root.js";
import { makeDrawnData } from "../support/drawn-data.js";
import { installPackage, type PackedPackage, packPackage, typescript } from "../support/installed-package.js";

interface Answer {
  readonly data: unknown;
  readonly errors?: unknown;
}

const EXAMPLES = path.join(packageRoot(), "examples");

/** As strict as an editor with `@ts-check`; other packages vouch for their own types. */
const CHECK = ["--noEmit", "--checkJs", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"];

describe("examples", () => {
  let packed: PackedPackage;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-examples-"));
    await makeDrawnData(path.join(folder, "data"));
    packed = await packPackage();
  });
  after(async () => {
    await packed.drop();
    await rm(folder, { recursive: true, force: true });
  });

  /** An application of its own: the example's files, its dependencies, the packed package, and a catalog. */
  async function install(name: string): Promise<string> {
    const application = path.join(folder, name);
    await cp(path.join(EXAMPLES, name), application, { recursive: true });
    const { dependencies } = JSON.parse(await readFile(path.join(application, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const others = Object.keys(dependencies).filter((dependency) => dependency !== "lookalike");
    await installPackage(packed, application, [...others, "@types/node", "@types/express", "undici-types"]);
    await symlink(path.join(folder, "data"), path.join(application, "lookalike-data"));
    return application;
  }

  /** Type-checks and starts an example, and ends it with SIGTERM when `work` is done. */
  async function withExample(name: string, work: (url: string) => Promise<void>): Promise<void> {
    const application = await install(name);
    const { scripts } = JSON.parse(await readFile(path.join(application, "package.json"), "utf8")) as {
      scripts: { start: string };
    };
    const file = scripts.start.replace(/^node /, "");
    await typescript([...CHECK, file], application);
    const environment = Object.entries(process.env).filter(
      ([key]) => !/^(LOOKALIKE_|DATABASE_URL$|NODE_TEST)/.test(key),
    );
    const child = spawn(process.execPath, [file], {
      cwd: application,
      env: { ...Object.fromEntries(environment), PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      await work(await listening(child));
    } finally {
      const ended = once(child, "exit");
      if (child.exitCode === null) child.kill("SIGTERM");
      const impatience = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const [code, signal] = child.exitCode === null ? await ended : [child.exitCode, null];
      clearTimeout(impatience);
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
    }
  }

  it("apollo-server: a Product of the shop's own has similar items", async () => {
    await withExample("apollo-server", async (url) => {
      const query = `{ product(id: "mugs-red") { name similarItems(first: 2) { nodes { externalId } } } }`;
      const { data, errors } = await ask(url, query);
      assert.equal(errors, undefined);
      const { product } = data as { product: { name: string; similarItems: { nodes: { externalId: string }[] } } };
      assert.equal(product.name, "Product mugs-red");
      assertMugs(product.similarItems.nodes.map(({ externalId }) => externalId));
    });
  });

  it("yoga: Lookalike's schema is served", async () => {
    await withExample("yoga", assertServed);
  });

  it("fastify: Lookalike is served below a path", async () => {
    await withExample("fastify", async (url) => {
      await assertServed(url);
      assert.deepEqual(await (await fetch(new URL("/", url))).json(), { shop: "an existing one" });
    });
  });

  it("express: Lookalike is served below a path, and asked by a route", async () => {
    await withExample("express", async (url) => {
      await assertServed(url);
      const similar = (await (await fetch(new URL("/products/mugs-red/similar", url))).json()) as {
        nodes: { externalId: string; images: { url: string }[] }[];
      };
      const photo = await fetch(new URL(similar.nodes[0]!.images[0]!.url, url));
      assert.equal(photo.headers.get("content-type"), "image/png");
      assert.equal((await fetch(new URL("/products/nothing/similar", url))).status, 404);
    });
  });

  it("federation: one query crosses both subgraphs", async () => {
    await withExample("federation", async (url) => {
      const query = `{ product(id: "mugs-red") { name similarItems(first: 2) { nodes { id name } } } }`;
      const { data, errors } = await ask(url, query);
      assert.equal(errors, undefined);
      const { product } = data as { product: { similarItems: { nodes: { id: string; name: string }[] } } };
      assertMugs(product.similarItems.nodes.map(({ id }) => id));
      for (const { id, name } of product.similarItems.nodes) assert.equal(name, `Product ${id}`);
    });
  });
});

async function assertServed(url: string): Promise<void> {
  const { data, errors } = await ask(url, `{ similarItems(productId: "mugs-red", first: 2) { nodes { externalId } } }`);
  assert.equal(errors, undefined);
  const { similarItems } = data as { similarItems: { nodes: { externalId: string }[] } };
  assertMugs(similarItems.nodes.map(({ externalId }) => externalId));
}

function assertMugs(ids: readonly string[]): void {
  assert.equal(ids.length, 2);
  for (const id of ids) assert.match(id, /^mugs-(?!red)/);
}

/** The address that an example says it listens at. */
async function listening(child: ChildProcess): Promise<string> {
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  for (let waited = 0; waited < 90_000; waited += 50) {
    const url = /^listening at (\S+)$/m.exec(output)?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The example did not come up: ${output}`);
}

async function ask(url: string, query: string): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Answer;
}
