/** A worker process that takes photo jobs and never finishes one. Run by startChild(). */
import { openDatabase } from "../../src/database/connect.js";
import { createJobConsumer } from "../../src/jobs/job-consumer.js";
import { createLogger } from "../../src/logger.js";

const config = JSON.parse(process.argv[2]!) as { data: string; databaseUrl?: string };
const logger = createLogger("fatal");
const database = await openDatabase(config, logger, { role: "guest" });
const consumer = await createJobConsumer(database, logger);
await consumer.consume("fetch-photo", { concurrency: 4 }, async ({ data }) => {
  process.send!(data.imageId);
  await new Promise(() => setInterval(() => {}, 1_000));
});
