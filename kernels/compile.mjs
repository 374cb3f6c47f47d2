// Compiles a kernel and prints the TypeScript module that carries it:
//   node kernels/compile.mjs resample > src/embedding/resample-kernel.wasm.ts
//   node kernels/compile.mjs optimise > src/training/optimisers/optimise-kernel.wasm.ts
import { readFile } from "node:fs/promises";
import asc from "assemblyscript/asc";

const KERNELS = {
  resample: "the resampling kernel, base64. Imports env.memory, exports resample().",
  optimise: "the optimisers' loops, base64. Imports env.memory.",
};

/** The TypeScript module that carries the compiled kernel `name`, one of KERNELS. */
export async function compileKernel(name) {
  const file = `${name}.ts`;
  const source = await readFile(new URL(`./${file}`, import.meta.url), "utf8");
  let binary;
  const { error, stderr } = await asc.main(
    [file, "--outFile", "out.wasm", "--runtime", "stub", "--enable", "simd", "-O3", "--noAssert", "--importMemory"],
    {
      readFile: (wanted) => (wanted === file ? source : null),
      writeFile: (_name, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  const lines = Buffer.from(binary).toString("base64").match(/.{1,108}/g);
  return [
    `// Made from kernels/${file} by kernels/compile.mjs; a test checks that it still is.`,
    "",
    `/** WebAssembly of ${KERNELS[name]} */`,
    `export const ${name.toUpperCase()}_KERNEL =`,
    `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.stdout.write(await compileKernel(process.argv[2]));
