import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packageRoot } from "../../src/database/package-root.js";

const run = promisify(execFile);

/** Where the program under test lies: `dist`, or another build folder. */
const BUILT = fileURLToPath(new URL("../../", import.meta.url));

export interface PackedPackage {
  /** Paths in the package, without its own folder. */
  readonly files: readonly string[];
  /** Sum of their sizes, in bytes. */
  readonly unpackedSize: number;
  readonly tarball: string;
  drop(): Promise<void>;
}

/** Packs what is under test as `npm publish` would, with the types that belong to it. */
export async function packPackage(): Promise<PackedPackage> {
  const root = packageRoot();
  const folder = await mkdtemp(path.join(tmpdir(), "lookalike-pack-"));
  const stage = path.join(folder, "stage");
  await mkdir(path.join(stage, "dist"), { recursive: true });
  const assets = [
    "package.json",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "prisma",
    "encoders",
    "schema",
    "docs",
    "bench",
  ];
  for (const asset of assets) await cp(path.join(root, asset), path.join(stage, asset), { recursive: true });
  for (const part of ["src", "test"]) {
    await cp(path.join(BUILT, part), path.join(stage, "dist", part), { recursive: true });
  }
  await compile(root, ["-p", "tsconfig.package.json"], ["--outDir", path.join(stage, "dist")], folder);
  const packing = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", packing, { cwd: stage, maxBuffer: 64 * 1024 * 1024 });
  const [packed] = JSON.parse(stdout) as { filename: string; unpackedSize: number; files: { path: string }[] }[];
  return {
    files: packed!.files.map((file) => file.path),
    unpackedSize: packed!.unpackedSize,
    tarball: path.join(folder, packed!.filename),
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

async function compile(root: string, project: string[], options: string[], folder: string): Promise<void> {
  const info = ["--tsBuildInfoFile", path.join(folder, "types.tsbuildinfo")];
  await typescript([...project, ...options, ...info], root);
}

/** Runs the TypeScript compiler. @throws with its complaints */
export async function typescript(args: readonly string[], folder: string): Promise<void> {
  const compiler = path.join(packageRoot(), "node_modules", "typescript", "bin", "tsc");
  try {
    await run(process.execPath, [compiler, ...args], { cwd: folder });
  } catch (error) {
    throw new Error(`tsc found something: ${(error as { stdout?: string }).stdout}`, { cause: error });
  }
}

/**
 * Installs the packed package in a folder, without a registry: the package itself is unpacked, and of what it depends on
 * nothing is there that is only for its development. An application's own dependencies are named.
 */
export async function installPackage(
  { tarball }: Pick<PackedPackage, "tarball">,
  folder: string,
  others: readonly string[] = [],
): Promise<void> {
  const modules = path.join(folder, "node_modules");
  const own = path.join(modules, "lookalike");
  await mkdir(own, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", own, "--strip-components=1"]);
  const lock = JSON.parse(await readFile(path.join(packageRoot(), "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const names = Object.entries(lock.packages)
    .filter(([place, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(place) && dev !== true)
    .map(([place]) => place.slice("node_modules/".length));
  for (const name of new Set([...names, ...others])) {
    const link = path.join(modules, name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(packageRoot(), "node_modules", name), link);
  }
}
