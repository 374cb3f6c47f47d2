/**
 * Kills trainers, workers and APIs with SIGKILL at random moments of train → refresh → promote, and checks that shoppers
 * always get answers of one complete model and that every run goes on or says why it failed.
 *
 *     npm run test:kills -- --kills 50 --seed 1 [--database embedded] [--shops 4]
 *
 * Prints one JSON object. Exits with 1 naming the seed and the kill when something does not hold. Takes minutes, which
 * is why it is not among the tests of `npm test`.
 */
import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors.js";
import { postgresMissing } from "../support/database.js";
import { planKills } from "../support/kill-plan.js";
import { killByPlan } from "../support/kill-rounds.js";
import { summarise } from "../support/kill-summary.js";
import { processesHidden } from "../support/killed-shop.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    database: { type: "string", default: "postgres" },
    shops: { type: "string", default: "4" },
  },
});
const kills = positive("kills", values.kills);
const seed = positive("seed", values.seed);
const shops = Math.min(kills, positive("shops", values.shops));
const database = values.database;
if (database !== "postgres" && database !== "embedded") throw new Error("--database is postgres or embedded.");

const missing = processesHidden || (database === "postgres" && postgresMissing);
if (missing) {
  console.log(JSON.stringify({ database, seed, skipped: missing }));
} else {
  const startedAt = performance.now();
  const say = (line: string): void => {
    process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
  };
  const plan = planKills(seed, kills);
  /** Every third shop runs as `lookalike serve` alone, which keeps its worker; the others' workers are on their own. */
  const isSupervised = (shop: number): boolean => shop % 3 === 2;
  // Several shops side by side: most of the time a run waits until the job of a killed worker is given back.
  const rounds = Array.from({ length: shops }, (_, shop) =>
    killByPlan(
      database,
      plan.filter(({ number }) => number % shops === shop),
      (line) => say(`shop ${shop + 1}: ${line}`),
      { supervised: isSupervised(shop) },
    ),
  );
  try {
    const reports = await Promise.all(rounds);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(JSON.stringify({ database, seed, shops, seconds, ...summarise(reports) }, null, 2));
  } catch (error) {
    console.error(`seed ${seed}: ${messageOf(error)}`);
    process.exitCode = 1;
    // The other shops' processes end before this one does.
    await Promise.allSettled(rounds);
  }
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} is a whole number from 1 on.`);
  return number;
}
