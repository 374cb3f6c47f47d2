import { parseArgs } from "node:util";
import { runRandomDocuments } from "../support/random-run.js";

/**
 * `npm run test:fuzz -- --documents 10000 --seed 1`: asks a server random documents, prints what came of it, and fails when
 * anything was wrong. The same seed asks the same documents.
 */
const { values } = parseArgs({
  options: { documents: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
/** Longer than this, an answer is worth a look. */
const SLOW_MS = 5_000;
const run = await runRandomDocuments({
  documents: Number(values.documents),
  seed: Number(values.seed),
  onAnswer(answers, milliseconds, request) {
    if (answers % 1_000 === 0) console.error(`${answers} answers`);
    if (milliseconds > SLOW_MS) console.error(`${milliseconds} ms: ${JSON.stringify(request).slice(0, 1_000)}`);
  },
});
console.log(JSON.stringify(run, undefined, 2));
if (run.problems.length > 0 || run.unhandled.length > 0) process.exitCode = 1;
