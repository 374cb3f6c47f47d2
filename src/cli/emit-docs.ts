import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { describeSettings } from "../config.js";
import { packageRoot } from "../database/package-root.js";
import { buildProgram } from "./program.js";

const HEADER = "<!-- Made by `npm run docs` from the program itself. Do not edit. -->\n\n";

/**
 * Writes the reference pages that the program knows best itself. With --check only compares, and fails when a
 * committed page is stale.
 */
function emitDocs(check: boolean): void {
  const pages = { "configuration.md": configurationPage(), "cli.md": commandLinePage() };
  for (const [name, text] of Object.entries(pages)) {
    const file = path.join(packageRoot(), "docs", name);
    if (!check) writeFileSync(file, text);
    else if (readOrEmpty(file) !== text) {
      console.error(`docs/${name} is stale. Run: npm run docs`);
      process.exitCode = 1;
    }
  }
}

function configurationPage(): string {
  const rows = describeSettings().map(
    ({ variable, setting, fallback, meaning }) =>
      `| \`${variable}\` | \`${setting}\` | ${fallback === "" ? "" : `\`${fallback}\``} | ${meaning.replaceAll("|", "\\|")} |`,
  );
  return `${HEADER}# Configuration

Every setting has a default; none must be set. The environment comes first, then \`lookalike.config.json\` in the
folder where the program is started, then the default. A wrong value stops the start and names itself.

| environment variable | in lookalike.config.json | default | meaning |
|---|---|---|---|
${rows.join("\n")}

## Secrets

\`adminToken\`, \`metricsToken\`, \`storefrontKey\`, \`storefrontKeys\` (as a whole or each key) and \`databaseUrl\` may
point elsewhere instead of holding the secret: \`"env:NAME"\` takes it from another environment variable, \`"file:PATH"\` from a file, as container platforms mount
them. Secrets never appear in logs, and tokens are compared in constant time.

Without an \`adminToken\`, the first \`lookalike serve\` makes one and keeps it in the file \`admin-token\` of the data
folder, readable by its owner only. It prints where, not what. What keys, tokens and limits do is in
[access.md](access.md).

\`\`\`json
{
  "databaseUrl": "env:SHOP_DATABASE_URL",
  "adminToken": "file:/run/secrets/lookalike-admin-token",
  "storefrontKeys": { "web": "env:WEB_KEY", "app": "env:APP_KEY" },
  "corsOrigins": ["https://shop.example"],
  "defaultCurrency": "EUR"
}
\`\`\`
`;
}

function commandLinePage(): string {
  const program = buildProgram();
  const sections = allCommands(program).map(
    (command) => `## ${nameOf(command)}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`,
  );
  return `${HEADER}# Command line

Every command works whether or not a server is running. Without \`DATABASE_URL\` the database is embedded in the data
folder: a command joins the server that holds the folder, or opens the database itself for as long as it runs. Answers
go to standard output, as one JSON value with \`--json\`; progress and log lines go to standard error. A command that
fails says why in one line and ends with an exit code other than 0; \`LOOKALIKE_LOG_LEVEL=debug\` shows where.

${sections.join("\n")}`;
}

/** Commands that do something, in the order of the help. */
function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.commands.length > 0 ? allCommands(child) : [child]));
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: Command): string {
  return command
    .configureOutput({ getOutHelpWidth: () => 100 })
    .helpInformation()
    .trimEnd();
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

emitDocs(process.argv.includes("--check"));
