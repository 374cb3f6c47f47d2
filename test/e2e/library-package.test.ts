import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { installPackage, type PackedPackage, packPackage, typescript } from "../support/installed-package.js";

/** A program of somebody who installed the package, in the strictest TypeScript. */
const CONSUMER = `
import { graphql, type GraphQLSchema } from "graphql";
import { BadUserInput, type Lookalike, type LookalikeContext, type LookalikeOptions, lookalike } from "lookalike";

const options: LookalikeOptions = { data: "data", databaseUrl: process.env.NO_SUCH_VARIABLE, logger: false };
// @ts-expect-error a port is a number
const wrong: LookalikeOptions = { port: "4400" };
// @ts-expect-error there is no such setting
const unknown: LookalikeOptions = { prot: 4400 };
void wrong;
void unknown;

const plugin: Lookalike = await lookalike(options);
const schema: GraphQLSchema = plugin.schema;
const contextValue: LookalikeContext = await plugin.createContext({ headers: new Headers() });
const source = '{ similarItems(productId: "none") { status } products { nodes { id } } }';
const answer = await graphql({ schema, source, contextValue });
const nothing: unknown = await plugin.similarItems("none", { first: 3 }, contextValue);
const refused = await lookalike({ port: -1 }).catch((error: unknown) => error instanceof BadUserInput && error.code);
console.log(JSON.stringify({ code: answer.errors?.[0]?.extensions.code, nothing, refused, sdl: plugin.typeDefs.includes("type Product") }));
await plugin.close();
`;

const TSCONFIG = {
  compilerOptions: {
    target: "ES2022",
    lib: ["ES2023"],
    module: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    types: ["node"],
  },
  files: ["consumer.ts"],
};

describe("the package", () => {
  let packed: PackedPackage;
  let folder: string;
  before(async () => {
    packed = await packPackage();
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-consumer-"));
  });
  after(async () => {
    await packed.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it("holds the program, its types, migrations, encoders and schemas, and nothing else", () => {
    const { files } = packed;
    for (const needed of [
      "package.json",
      "README.md",
      "LICENSE",
      "dist/src/index.js",
      "dist/src/index.d.ts",
      "dist/src/library/lookalike.type.d.ts",
      "dist/src/cli/main.js",
      "dist/src/main-worker.js",
      "dist/src/main-trainer.js",
      "dist/src/generated/prisma/client.js",
      "encoders/mobilenet-v2/manifest.json",
      "schema/schema.graphql",
      "schema/subgraph.graphql",
    ]) {
      assert.ok(files.includes(needed), needed);
    }
    assert.ok(files.some((file) => /^prisma\/migrations\/\w+\/migration\.sql$/.test(file)));
    const allowed =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/src\/|prisma\/migrations\/|encoders\/|schema\/)/;
    assert.deepEqual(
      files.filter((file) => !allowed.test(file) || /\.map$|\.test\.|\.tsbuildinfo$|(^|\/)(bench|test)\//.test(file)),
      [],
    );
    assert.ok(packed.unpackedSize < 20 * 1024 * 1024, `${packed.unpackedSize} bytes`);
  });

  it("is installed, type-checks in strict TypeScript, runs with what it depends on alone, and lets the process end", async () => {
    await installPackage(packed, folder, ["@types/node", "undici-types"]);
    await writeFile(path.join(folder, "package.json"), JSON.stringify({ name: "consumer", type: "module" }));
    await writeFile(path.join(folder, "consumer.ts"), CONSUMER);
    await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    await typescript(["-p", "."], folder);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["consumer.js"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 120_000,
    });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), {
      code: "PRODUCT_NOT_FOUND",
      nothing: null,
      refused: "BAD_USER_INPUT",
      sdl: true,
    });
  });

  it("brings the command along", () => {
    const main = path.join(folder, "node_modules", "lookalike", "dist", "src", "cli", "main.js");
    const { status, stdout } = spawnSync(process.execPath, [main, "--help"], { cwd: folder, encoding: "utf8" });
    assert.equal(status, 0);
    assert.match(stdout, /serve/);
  });
});
