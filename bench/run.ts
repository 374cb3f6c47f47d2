import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../src/errors.js";
import type { Benchmark } from "./support/benchmark.type.js";

/*
 * npm run bench -- NAME [--json] [options]: one file a benchmark beside this one, found by its name.
 */

const names = readdirSync(fileURLToPath(new URL(".", import.meta.url)))
  .filter((file) => file.endsWith(".js") && file !== "run.js")
  .map((file) => file.slice(0, -".js".length))
  .sort();

async function load(name: string): Promise<Benchmark> {
  const { benchmark } = (await import(new URL(`./${name}.js`, import.meta.url).href)) as { benchmark: Benchmark };
  return benchmark;
}

async function overview(): Promise<string> {
  const lines = ["npm run bench -- NAME [--json] [options]", ""];
  for (const name of names) {
    const { summary, help } = await load(name);
    lines.push(`  ${name}`, `      ${summary}`);
    for (const [option, meaning] of Object.entries(help)) lines.push(`      --${option}  ${meaning}`);
  }
  return lines.join("\n");
}

function table(report: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(report).map((key) => key.length));
  const show = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return Object.entries(report)
    .map(([key, value]) => (hasRows(value) ? `\n${key}\n${rows(value)}\n` : `${key.padEnd(width)}  ${show(value)}`))
    .join("\n");
}

type Row = Readonly<Record<string, unknown>>;

/** Several objects of plain values. */
function hasRows(value: unknown): value is Row[] {
  const isPlain = (one: unknown) => one === null || typeof one !== "object";
  return (
    Array.isArray(value) && value.length > 0 && value.every((row) => !isPlain(row) && Object.values(row).every(isPlain))
  );
}

function rows(all: readonly Row[]): string {
  const names = [...new Set(all.flatMap((row) => Object.keys(row)))];
  const lines = [names, ...all.map((row) => names.map((name) => String(row[name] ?? "")))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined || name === "--help" || rest.includes("--help")) {
    process.stdout.write(`${await overview()}\n`);
    return;
  }
  if (!names.includes(name)) throw new Error(`There is no benchmark "${name}". Choose one of: ${names.join(", ")}.`);
  const benchmark = await load(name);
  const { values } = parseArgs({
    args: rest,
    options: { json: { type: "boolean", default: false }, ...benchmark.options },
  });
  const report = await benchmark.run(values);
  process.stdout.write(`${values.json ? JSON.stringify(report) : table(report)}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
