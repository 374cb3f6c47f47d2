// Compiles kernels/optimise.ts and prints src/training/optimisers/optimise-kernel.wasm.ts:
//   node kernels/compile-optimise.mjs > src/training/optimisers/optimise-kernel.wasm.ts
import { readFile } from "node:fs/promises";
import asc from "assemblyscript/asc";

/** The TypeScript module that carries the compiled kernel. */
export async function compileKernel() {
  const source = await readFile(new URL("./optimise.ts", import.meta.url), "utf8");
  let binary;
  const { error, stderr } = await asc.main(
    ["optimise.ts", "--outFile", "out.wasm", "--runtime", "stub", "--enable", "simd", "-O3", "--noAssert", "--importMemory"],
    {
      readFile: (name) => (name === "optimise.ts" ? source : null),
      writeFile: (_name, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  const lines = Buffer.from(binary).toString("base64").match(/.{1,108}/g);
  return [
    "// Made from kernels/optimise.ts by kernels/compile-optimise.mjs; a test checks that it still is.",
    "",
    "/** WebAssembly of the optimisers' loops, base64. Imports env.memory. */",
    "export const OPTIMISE_KERNEL =",
    `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.stdout.write(await compileKernel());
