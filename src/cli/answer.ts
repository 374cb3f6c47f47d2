/** Writes a command's answer: one JSON value on standard output with `--json`, lines for people otherwise. */
export function writeAnswer(value: unknown, json: boolean | undefined, lines: () => readonly string[]): void {
  const text = json
    ? JSON.stringify(value, (_, entry) => (typeof entry === "bigint" ? String(entry) : entry))
    : lines().join("\n");
  process.stdout.write(`${text}\n`);
}

/** Lines for people beside the answer; on standard error, so that the answer can be piped. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Columns padded to their widest cell; numbers to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const isNumber = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"));
  return cells.map((row) =>
    row
      .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
