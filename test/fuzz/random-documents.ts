import { parseArgs } from "node:util";
import { runRandomDocuments } from "../support/random-run.js";

/**
 * `npm run test:fuzz -- --documents 10000 --seed 1`: asks a server random documents, prints what came of it, and fails when
 * anything was wrong. The same seed asks the same documents.
 */
const { values } = parseArgs({
  options: { documents: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
const run = await runRandomDocuments({ documents: Number(values.documents), seed: Number(values.seed) });
console.log(JSON.stringify(run, undefined, 2));
if (run.problems.length > 0 || run.unhandled.length > 0) process.exitCode = 1;
