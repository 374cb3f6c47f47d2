import { InvalidArgumentError } from "commander";
import { parse } from "csv-parse/sync";

/**
 * Reads `Boots,"Bags, small"`: names between commas, in double quotes when they hold one. For options that may be
 * given several times.
 * @throws InvalidArgumentError
 */
export function labelNames(text: string, earlier: readonly string[] = []): string[] {
  let rows: string[][];
  try {
    rows = parse(text, { trim: true, relax_column_count: true });
  } catch {
    throw new InvalidArgumentError("Write names between commas, one that holds a comma in double quotes.");
  }
  const names = rows.flat().filter((name) => name !== "");
  if (names.length === 0) throw new InvalidArgumentError("Write at least one name.");
  return [...earlier, ...names];
}
