/** A process that opens an embedded database and works on it, as its arguments say. Run by startChild(). */
import { openDatabase } from "../../src/database/connect.js";
import type { DataFolderRole } from "../../src/database/embedded/host.js";
import { codeOf, messageOf } from "../../src/errors.js";
import { createLogger } from "../../src/logger.js";

const [data, role, task, ...rest] = process.argv.slice(2) as [string, DataFolderRole, string, ...string[]];
const say = (message: unknown): void => void process.send!(message);

async function main(): Promise<void> {
  const database = await openDatabase({ data }, createLogger("fatal"), { role });
  say("open");
  switch (task) {
    case "stay":
      await new Promise((resolve) => process.once("message", resolve));
      break;
    case "commit":
      // Says each number after the server has acknowledged its commit.
      for (let number = Number(rest[0]); ; number += 1) {
        await database.query("INSERT INTO number VALUES ($1)", [number]);
        say(number);
      }
    case "count":
      // Reads, thinks, writes: lost updates would show if transactions of several processes mixed.
      for (let round = 0; round < Number(rest[0]); round += 1) {
        await database.transaction(async (sql) => {
          const [row] = await sql.query<{ value: number }>("SELECT value FROM counter");
          await new Promise((resolve) => setTimeout(resolve, 1));
          await sql.query("UPDATE counter SET value = $1", [row!.value + 1]);
        });
      }
      break;
    case "hang":
      await database.transaction(async (sql) => {
        await sql.query("UPDATE counter SET value = -1000");
        say("holding");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });
      break;
    default:
      throw new Error(`unknown task ${task}`);
  }
  await database.close();
  say("closed");
}

main().then(
  () => process.disconnect(),
  (error: unknown) => {
    say({ code: codeOf(error), message: messageOf(error) });
    process.exitCode = 1;
    process.disconnect();
  },
);
