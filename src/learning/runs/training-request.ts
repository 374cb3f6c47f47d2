import { z } from "zod";
import { BadUserInput } from "../../errors.js";
import type { RecipeName } from "../learning.type.js";
import type { PositiveKind, PositiveRule, SnapshotRequest } from "../snapshot/snapshot.type.js";

export const RECIPES = [
  "auto",
  "whitening",
  "head",
  "last-blocks",
  "full",
  "growing",
  "seed",
] as const satisfies readonly RecipeName[];

const LONGEST_NAME = 500;
const MOST_LABELS = 10_000;
const MOST_RULES = 8;

const label = z.string().min(1).max(LONGEST_NAME);
const labels = z.array(label).min(1).max(MOST_LABELS);

/** What a run is asked to do, as it is stored with it. */
const requestSchema = z.strictObject({
  positives: z
    .array(z.strictObject({ kind: z.string().transform(readKind), weight: z.number().positive().max(1_000) }))
    .min(1)
    .max(MOST_RULES)
    .refine((rules) => new Set(rules.map(({ kind }) => kind)).size === rules.length, "names one kind twice"),
  recipe: z.enum(RECIPES),
  budgetMinutes: z.number().min(0.1).max(1_440),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  device: z.enum(["auto", "cpu", "cuda", "webgpu"]),
  onlyLabels: labels.optional(),
  excludeLabels: labels.optional(),
  /** For benchmarks and tests only; neither is offered in GraphQL. */
  labelNoise: z.number().min(0).max(0.9).optional(),
  shuffleLabels: z.boolean().optional(),
});

export type TrainingRequest = z.infer<typeof requestSchema>;

/** What somebody asks for; what is left out is decided here. */
export type TrainingWishes = Partial<Omit<TrainingRequest, "positives">> & {
  readonly positives?: readonly { readonly kind: string; readonly weight: number }[];
};

const DEFAULTS = {
  positives: [{ kind: "category", weight: 1 }],
  recipe: "auto",
  budgetMinutes: 10,
  seed: 1,
  device: "auto",
} as const;

/** @throws BadUserInput naming the field and what is allowed */
export function toTrainingRequest(wishes: TrainingWishes): TrainingRequest {
  const given = Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
  const parsed = requestSchema.safeParse({ ...DEFAULTS, ...given });
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new BadUserInput(`${problems.join("; ")}.`, parsed.error.issues[0]!.path.map(String));
  }
  const { onlyLabels, excludeLabels } = parsed.data;
  const both = onlyLabels?.find((name) => excludeLabels?.includes(name));
  if (both !== undefined) {
    throw new BadUserInput(`The label ${JSON.stringify(both)} is both wanted and excluded.`, ["excludeLabels"]);
  }
  if (parsed.data.positives[0]!.kind === "augmentation") {
    const field = onlyLabels ? "onlyLabels" : excludeLabels ? "excludeLabels" : undefined;
    if (field)
      throw new BadUserInput("Labels can be selected only where the first of the positives has labels.", [field]);
  }
  return parsed.data;
}

/** What a run that was asked for so learns from. */
export function toSnapshotRequest(request: TrainingRequest): SnapshotRequest {
  const { recipe, seed, positives, onlyLabels, excludeLabels, labelNoise, shuffleLabels } = request;
  return {
    ...{ seed, positives, needsLabels: recipe !== "whitening" },
    ...(onlyLabels ? { onlyLabels } : {}),
    ...(excludeLabels ? { excludeLabels } : {}),
    ...(labelNoise === undefined ? {} : { labelNoise }),
    ...(shuffleLabels === undefined ? {} : { shuffleLabels }),
  };
}

/**
 * Reads `category`, `attribute:colour` or `category=3,attribute:colour=1`: kinds, with how often batches are drawn by
 * each.
 * @throws BadUserInput
 */
export function readPositives(text: string): PositiveRule[] {
  return text.split(",").map((part) => {
    const [, name, weight] = /^\s*(.*?)\s*(?:=\s*(\d+(?:\.\d+)?)\s*)?$/s.exec(part)!;
    return { kind: readKind(name!), weight: weight === undefined ? 1 : Number(weight) };
  });
}

/** The reverse of readPositives, for one rule. */
export function formatPositive({ kind, weight }: PositiveRule): string {
  return weight === 1 ? kind : `${kind}=${weight}`;
}

/** @throws BadUserInput for what is no kind of positive */
function readKind(text: string): PositiveKind {
  const [, word = text, name] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  const kind = word.trim().toLowerCase();
  const isPlain = kind === "product" || kind === "group" || kind === "category" || kind === "augmentation";
  if (isPlain && name === undefined) return kind;
  const attribute = name?.trim() ?? "";
  if (kind === "attribute" && attribute !== "" && attribute.length <= LONGEST_NAME) return `attribute:${attribute}`;
  throw new BadUserInput(
    `positives must be category, group, product, augmentation or attribute:NAME, not ${JSON.stringify(text.slice(0, 80))}.`,
    ["positives"],
  );
}
