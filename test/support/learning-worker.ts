/** A worker process that trains with the played trainer. Run by startChild(), made to be killed. */
import { composeCore } from "../../src/compose.js";
import type { Config } from "../../src/config.js";
import { createJobConsumer } from "../../src/jobs/index.js";
import { createTrainModelJob } from "../../src/learning/runs/train-model.job.js";
import { createLogger } from "../../src/logger.js";
import { playedTraining } from "./learning-runs.js";

const config = JSON.parse(process.argv[2]!) as Config;
const core = await composeCore(config, createLogger("fatal"), "guest");
const consumer = await createJobConsumer(core.database, core.logger);
const job = createTrainModelJob(playedTraining(core));
await consumer.consume("train-model", { concurrency: 1 }, job);
process.send!("ready");
