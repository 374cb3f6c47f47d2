import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BadUserInput, messageOf } from "../../src/errors.js";
import type { RecipeName } from "../../src/learning/learning.type.js";
import { type RecipeOverrides, readOverrides } from "../../src/learning/recipes/overrides.js";

/** What is trained, under the name that tables show. */
export interface LearningConfiguration {
  readonly name: string;
  readonly recipe: RecipeName;
  readonly overrides: RecipeOverrides;
}

const recipeSchema = z.enum(["auto", "whitening", "head", "last-blocks", "full", "growing", "seed"]);
const fileSchema = z.record(z.string().min(1), z.looseObject({ recipe: recipeSchema.optional() }));

/** One configuration; `overrides` is JSON. @throws BadUserInput, RecipeUnfit */
export function oneConfiguration(recipe: unknown, overrides: unknown): LearningConfiguration {
  const name = parsed(recipeSchema, recipe, "--recipe");
  return { name, recipe: name, overrides: readOverrides(objectOf(String(overrides), "--overrides")) };
}

/**
 * Several configurations by name: `{"in-batch": {"mining": false}, "head": {"recipe": "head", "steps": 600}}`. What one
 * leaves out is taken from the one given.
 * @throws BadUserInput, RecipeUnfit
 */
export async function namedConfigurations(
  file: string,
  usual: LearningConfiguration,
): Promise<LearningConfiguration[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new BadUserInput(`${file} cannot be read: ${messageOf(error)}`);
  });
  const named = parsed(fileSchema, objectOf(text, file), file);
  return Object.entries(named).map(([name, { recipe, ...overrides }]) => ({
    name,
    recipe: recipe ?? usual.recipe,
    overrides: readOverrides({ ...usual.overrides, ...overrides }),
  }));
}

function objectOf(text: string, where: string): Record<string, unknown> {
  try {
    return parsed(z.record(z.string(), z.unknown()), JSON.parse(text), where);
  } catch (error) {
    throw error instanceof SyntaxError ? new BadUserInput(`${where} is no JSON: ${error.message}.`) : error;
  }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new BadUserInput(`${where} does not fit: ${z.prettifyError(result.error)}`);
}
