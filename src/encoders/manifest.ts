import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { messageOf } from "../errors.js";
import type { EncoderManifest } from "./encoder.type.js";
import { EncoderBroken } from "./encoder-errors.js";
import { PREPROCESSING_VERSION } from "./preprocessing-version.js";

/** Also a folder name, so nothing that a path could be made of. */
const encoderName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "must be lower-case letters, digits, dots, dashes or underscores, 64 at most");
const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, "must be a plain file name");
const threeNumbers = z.tuple([z.number(), z.number(), z.number()]);
const threePositiveNumbers = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

const manifestSchema = z.strictObject({
  name: encoderName,
  description: z.string(),
  licence: z.string().min(1),
  origin: z.string().min(1),
  model: fileName,
  input: z.string().min(1),
  preprocessing: z.strictObject({
    size: z.number().int().min(8).max(2048),
    resize: z.enum(["squash", "crop", "pad"]),
    layout: z.enum(["NCHW", "NHWC"]),
    mean: threeNumbers,
    std: threePositiveNumbers,
  }),
  output: z.string().min(1),
  pooling: z.enum(["none", "average", "cls", "mean-tokens"]),
  dims: z.number().int().positive(),
  cuts: z.array(z.string().min(1)),
  hub: z
    .strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "must be OWNER/NAME"),
      revision: z.string().min(1),
      file: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]+\.onnx$/, "must be the path of an .onnx file"),
    })
    .exactOptional(),
});

/** @throws EncoderBroken naming the file and each wrong field */
export function parseManifest(value: unknown, file: string): EncoderManifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".") || "manifest"}: ${issue.message}`);
  throw new EncoderBroken(`${file} is not a valid encoder manifest. ${problems.join("; ")}. See docs/encoders.md.`);
}

/**
 * Reads a manifest from disk.
 * @returns undefined when there is no such file
 * @throws EncoderBroken when it cannot be read or is not valid
 */
export async function readManifest(file: string): Promise<EncoderManifest | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new EncoderBroken(`${file} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EncoderBroken(`${file} is not valid JSON: ${messageOf(error)}.`, { cause: error });
  }
  return parseManifest(value, file);
}

/** Whether `name` can be an encoder's name at all. */
export function isEncoderName(name: string): boolean {
  return encoderName.safeParse(name).success;
}

/**
 * SHA-256 (hex) over everything that changes a vector: the weights, what the input is made of and by which code, and
 * what is taken from the output. Name, description and licence may change without making vectors stale.
 */
export function encoderDigest(
  manifest: EncoderManifest,
  modelSha256: string,
  preprocessingVersion: number = PREPROCESSING_VERSION,
): string {
  const { size, resize, layout, mean, std } = manifest.preprocessing;
  const facts = [
    modelSha256,
    manifest.input,
    { size, resize, layout, mean, std },
    preprocessingVersion,
    manifest.output,
    manifest.pooling,
    manifest.dims,
  ];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
