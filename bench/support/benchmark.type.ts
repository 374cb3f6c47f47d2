import type { ParseArgsConfig } from "node:util";

export type BenchmarkValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** What a file in bench/ exports as `benchmark`; `npm run bench -- FILE` runs it. */
export interface Benchmark {
  /** One line: what is measured against what. */
  readonly summary: string;
  /** Options beside --json and --help, as node:util's parseArgs takes them. */
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** One line of help for each option. */
  readonly help: Readonly<Record<string, string>>;
  /** Measures, bounded in time. Progress goes to standard error; the report's fields, in order, to standard output. */
  run(values: BenchmarkValues): Promise<Readonly<Record<string, unknown>>>;
}
