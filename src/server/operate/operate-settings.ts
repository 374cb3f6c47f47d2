import { z } from "zod";

/** How the server is watched and how it ends; part of the configuration (config.ts). */
export const operateSettings = {
  drainSeconds: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(0.25)
    .describe(
      "How long an ending server says that it is not ready, and still answers. 5 where NODE_ENV is production, unless set.",
    ),
  requestLogLevel: z
    .enum(["trace", "debug", "info", "warn", "silent"])
    .default("info")
    .describe("Level of the log line that each request gets; silent for none."),
  metrics: z
    .stringbool()
    .or(z.boolean())
    .default(true)
    .describe("Serve figures for Prometheus at /metrics. Off in library use, unless set."),
  metricsToken: z
    .string()
    .min(16)
    .optional()
    .describe("Bearer token that may read /metrics, beside the admin token. Unset: this machine may read them too."),
};

/** What production needs and a developer need not wait for. */
export const PRODUCTION_DRAIN_SECONDS = 5;
