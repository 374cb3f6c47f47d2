import { readFileSync } from "node:fs";
import path from "node:path";
import { CronExpressionParser } from "cron-parser";
import { z } from "zod";
import { accessSettings, jwtSettingsBelongTogether } from "./config-access.js";
import { BadUserInput, messageOf } from "./errors.js";
import { subgraphSettings } from "./federation/subgraph-settings.js";
import { operateSettings, PRODUCTION_DRAIN_SECONDS } from "./server/operate/operate-settings.js";

const size = z.coerce.number().int().positive();

/** Settings that may stand in `lookalike.config.json`; each can be overridden by its environment variable. */
/** Told at the start: a worker that met it later would end, and be started again, for ever. */
function isCronExpression(text: string): boolean {
  try {
    CronExpressionParser.parse(text, { tz: "UTC" });
    return true;
  } catch {
    return false;
  }
}

const settingsSchema = z.strictObject({
  data: z.string().min(1).default("lookalike-data").describe("Folder of the embedded database, photos and encoders."),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres:// or postgresql://")
    .optional()
    .describe("Postgres ≥ 15 with pgvector ≥ 0.8. Unset: the embedded database in the data folder."),
  host: z.string().min(1).default("127.0.0.1").describe("Address that the server listens on."),
  port: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(4400)
    .describe("Port that the server listens on; 0 takes any."),
  device: z.enum(["auto", "cpu", "cuda", "webgpu"]).default("auto").describe("Where the encoder runs."),
  encoder: z.string().min(1).default("mobilenet-v2").describe("Encoder of the base model, by manifest name."),
  logLevel: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("Least severe log line that is written."),
  ...operateSettings,
  ...accessSettings,
  publicUrl: z
    .string()
    .regex(
      /^(https?:\/\/[^/\s?#]+)?(\/[^\s?#]*)?$/,
      "must be an address or a path, such as https://similar.shop.example",
    )
    .transform((address) => address.replace(/\/+$/, ""))
    .optional()
    .describe("Address or path of this server as browsers see it, for photos that it serves itself. Unset: /."),
  ...subgraphSettings,
  blobStore: z
    .string()
    .regex(/^(file|s3:\/\/[^/]+(\/.*)?)$/, "must be file, or s3://BUCKET/PREFIX")
    .default("file")
    .describe("Where photos are kept: the data folder, or an S3-compatible bucket (credentials from AWS_* variables)."),
  s3Endpoint: z.url().optional().describe("Endpoint of an S3-compatible store other than AWS."),
  defaultCurrency: z
    .string()
    .regex(/^[A-Z]{3}$/, "must be an ISO 4217 code such as EUR")
    .default("USD")
    .describe("Currency of prices that name none."),
  fetchMaxBytes: size.default(25 * 1024 * 1024).describe("Largest photo that is fetched, in bytes."),
  fetchTimeoutMs: size.default(20_000).describe("Longest time for one photo, in milliseconds."),
  fetchPerHost: size.default(4).describe("Photos fetched at once from one host."),
  fetchAllowPrivate: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe("Allow photos and feeds on private addresses. For tests and closed networks only."),
  retrainSchedule: z
    .string()
    .regex(/^\s*\S+(\s+\S+){4}\s*$/, "must be a cron expression of five fields, such as 0 3 * * 0")
    .refine(isCronExpression, "must be a cron expression that names a time, such as 0 3 * * 0")
    .optional()
    .describe("When to train again, as a cron expression in UTC, if the catalog changed enough. Unset: never."),
  retrainChange: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe("Share of the photos that must be new, gone or labelled anew since the live model's training."),
  maxPixels: size.default(100_000_000).describe("Largest photo that is decoded, in pixels."),
  keepModels: size
    .default(2)
    .describe("Retired models that are kept to go back to, and refused candidates; older ones are deleted."),
  interactionDays: size
    .max(3_650)
    .default(90)
    .describe("Days that shoppers' clicks and purchases are kept, and those of an experiment after its end."),
  cache: z.coerce
    .number()
    .int()
    .min(0)
    .default(64)
    .describe("Memory for answers to shoppers that are asked for again, in MiB; 0 remembers none."),
});

/** Validated configuration of every process. Secrets are never logged (see logger.ts). */
export type Config = z.infer<typeof settingsSchema>;

/** Setting → environment variable, in the order in which `lookalike --help` lists them. */
const VARIABLES: Record<keyof Config, string> = {
  data: "LOOKALIKE_DATA",
  databaseUrl: "DATABASE_URL",
  host: "LOOKALIKE_HOST",
  port: "LOOKALIKE_PORT",
  device: "LOOKALIKE_DEVICE",
  encoder: "LOOKALIKE_ENCODER",
  logLevel: "LOOKALIKE_LOG_LEVEL",
  requestLogLevel: "LOOKALIKE_REQUEST_LOG_LEVEL",
  metrics: "LOOKALIKE_METRICS",
  metricsToken: "LOOKALIKE_METRICS_TOKEN",
  drainSeconds: "LOOKALIKE_DRAIN_SECONDS",
  adminToken: "LOOKALIKE_ADMIN_TOKEN",
  storefrontKey: "LOOKALIKE_STOREFRONT_KEY",
  storefrontKeys: "LOOKALIKE_STOREFRONT_KEYS",
  jwksUrl: "LOOKALIKE_JWKS_URL",
  jwtIssuer: "LOOKALIKE_JWT_ISSUER",
  jwtAudience: "LOOKALIKE_JWT_AUDIENCE",
  jwtRolesClaim: "LOOKALIKE_JWT_ROLES_CLAIM",
  jwtAdminRoles: "LOOKALIKE_JWT_ADMIN_ROLES",
  explorer: "LOOKALIKE_EXPLORER",
  persistedQueries: "LOOKALIKE_PERSISTED_QUERIES",
  cacheSeconds: "LOOKALIKE_CACHE_SECONDS",
  trustProxy: "LOOKALIKE_TRUST_PROXY",
  rateLimit: "LOOKALIKE_RATE_LIMIT",
  rateLimitBurst: "LOOKALIKE_RATE_LIMIT_BURST",
  rateLimitPictures: "LOOKALIKE_RATE_LIMIT_PICTURES",
  rateLimitPerKey: "LOOKALIKE_RATE_LIMIT_PER_KEY",
  corsOrigins: "LOOKALIKE_CORS_ORIGINS",
  publicUrl: "LOOKALIKE_PUBLIC_URL",
  subgraph: "LOOKALIKE_SUBGRAPH",
  productKey: "LOOKALIKE_PRODUCT_KEY",
  productSource: "LOOKALIKE_PRODUCT_SOURCE",
  blobStore: "LOOKALIKE_BLOB_STORE",
  s3Endpoint: "LOOKALIKE_S3_ENDPOINT",
  defaultCurrency: "LOOKALIKE_DEFAULT_CURRENCY",
  fetchMaxBytes: "LOOKALIKE_FETCH_MAX_BYTES",
  fetchTimeoutMs: "LOOKALIKE_FETCH_TIMEOUT_MS",
  fetchPerHost: "LOOKALIKE_FETCH_PER_HOST",
  fetchAllowPrivate: "LOOKALIKE_FETCH_ALLOW_PRIVATE",
  retrainSchedule: "LOOKALIKE_RETRAIN_SCHEDULE",
  retrainChange: "LOOKALIKE_RETRAIN_CHANGE",
  maxPixels: "LOOKALIKE_MAX_PIXELS",
  keepModels: "LOOKALIKE_KEEP_MODELS",
  interactionDays: "LOOKALIKE_INTERACTION_DAYS",
  cache: "LOOKALIKE_CACHE",
};

/** One line a setting: variable, default and meaning; the CLI's help and docs/configuration.md are made of it. */
export function describeSettings(): { variable: string; setting: string; fallback: string; meaning: string }[] {
  return (Object.keys(VARIABLES) as (keyof Config)[]).map((setting) => {
    const schema: z.ZodType = settingsSchema.shape[setting];
    const parsed = schema.safeParse(undefined);
    return {
      variable: VARIABLES[setting],
      setting,
      fallback: parsed.success ? showFallback(parsed.data) : "",
      meaning: schema.description ?? "",
    };
  });
}

function showFallback(value: unknown): string {
  if (value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)) return "";
  return String(value);
}

/** @throws BadUserInput naming the file when it is there but cannot be read as JSON. */
function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new BadUserInput(`${file} cannot be read: ${messageOf(error)}.`, [file], { cause: error });
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw new BadUserInput(`${file} must hold one JSON object: ${messageOf(error)}.`, [file], { cause: error });
  }
}

/** `env:NAME` and `file:PATH` keep secrets out of the config file. */
function resolveSecret(setting: string, value: unknown, environment: NodeJS.ProcessEnv): unknown {
  if (typeof value !== "string") return value;
  if (value.startsWith("env:")) {
    const found = environment[value.slice(4)];
    if (found === undefined) throw new BadUserInput(`${setting} points to ${value}, which is not set.`, [setting]);
    return found;
  }
  if (value.startsWith("file:")) {
    try {
      return readFileSync(value.slice(5), "utf8").trim();
    } catch (error) {
      throw new BadUserInput(`${setting} points to ${value}, which cannot be read.`, [setting], { cause: error });
    }
  }
  return value;
}

/** The keys as a whole, and each of them where the file names them one by one. */
function resolveKeys(value: unknown, environment: NodeJS.ProcessEnv): unknown {
  const keys = resolveSecret("storefrontKeys", value, environment);
  if (typeof keys !== "object" || keys === null) return keys;
  return Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [name, resolveSecret(`storefrontKeys.${name}`, key, environment)]),
  );
}

/**
 * Reads the environment over `lookalike.config.json` (in `folder`) over the defaults.
 * @throws BadUserInput naming each wrong setting, its variable and what is allowed
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv = process.env,
  overrides: Partial<Config> = {},
  folder = process.cwd(),
): Config {
  const fromFile = readConfigFile(path.join(folder, "lookalike.config.json"));
  const fromEnvironment = Object.fromEntries(
    (Object.keys(VARIABLES) as (keyof Config)[])
      .map((setting) => [setting, environment[VARIABLES[setting]]] as const)
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  return checkConfig({ ...fromFile, ...fromEnvironment, ...overrides }, environment, folder);
}

/**
 * Settings from anywhere, checked and completed with the defaults; secrets are looked up where they point to.
 * @param folder that a relative data folder is in
 * @throws BadUserInput naming each wrong setting, its variable and what is allowed
 */
export function checkConfig(
  settings: Readonly<Record<string, unknown>>,
  environment: NodeJS.ProcessEnv = process.env,
  folder = process.cwd(),
): Config {
  const merged: Record<string, unknown> = { ...settings };
  for (const secret of ["adminToken", "metricsToken", "storefrontKey", "databaseUrl"] as const) {
    merged[secret] = resolveSecret(secret, merged[secret], environment);
  }
  merged.storefrontKeys = resolveKeys(merged.storefrontKeys, environment);
  if (environment.NODE_ENV === "production") {
    merged.explorer ??= false;
    merged.drainSeconds ??= PRODUCTION_DRAIN_SECONDS;
  }
  const result = settingsSchema.superRefine(jwtSettingsBelongTogether).safeParse(merged);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const setting = issue.path.join(".");
      const variable = VARIABLES[setting as keyof Config];
      return `${setting || "lookalike.config.json"}${variable ? ` (${variable})` : ""}: ${issue.message}`;
    });
    throw new BadUserInput(
      `The configuration is not valid. ${problems.join("; ")}.`,
      result.error.issues.flatMap((issue) => issue.path.map(String)),
    );
  }
  return { ...result.data, data: path.resolve(folder, result.data.data) };
}
