import type { Command } from "commander";

/** A command with what all of them share. */
export function command(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--data <dir>", "folder of the embedded database, photos and encoders (LOOKALIKE_DATA)")
    .exitOverride();
}
