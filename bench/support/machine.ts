import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import path from "node:path";
import { packageRoot } from "../../src/database/package-root.js";

/** Where figures were taken: they mean nothing without it. */
export function describeMachine(...packages: string[]): Record<string, unknown> {
  const versions = packages.map((name) => {
    const file = path.join(packageRoot(), "node_modules", name, "package.json");
    return [name, (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version];
  });
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    ...Object.fromEntries(versions),
  };
}
