export { createJobConsumer } from "./job-consumer.js";
export type { JobMap, JobName } from "./job-map.type.js";
export { createJobQueue } from "./job-queue.js";
export type {
  EnqueueOptions,
  FailedJob,
  FailedJobs,
  Job,
  JobConsumer,
  JobQueue,
  JobSubscription,
} from "./job-queue.type.js";
