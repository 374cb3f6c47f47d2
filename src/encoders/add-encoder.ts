import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import {
  ExternalDataUnavailable,
  OnnxFeatureUnsupported,
  OnnxModelTooLarge,
  readModel,
  readModelFile,
  writeModelFile,
} from "../onnx/index.js";
import type { InstalledEncoder } from "./encoder.type.js";
import { EncoderRefused } from "./encoder-errors.js";
import { encoderFolders, HASH_FILE, manifestIn } from "./encoder-folders.js";
import { createEncoderRegistry } from "./encoder-registry.js";
import { sha256OfFile } from "./file-hash.js";
import { isEncoderName, parseManifest } from "./manifest.js";
import { type EncoderWishes, type ManifestProposal, proposeManifest } from "./propose-manifest.js";
import { type EncoderTrial, openSession, trySession } from "./try-encoder.js";

export interface AddDependencies {
  readonly config: Pick<Config, "data">;
  readonly logger: Logger;
  /** Folder of built-in manifests, when it is not the package's own. */
  readonly builtin?: string;
}

export interface AddOptions extends EncoderWishes {
  /** Name of the encoder; made of the file's name otherwise. */
  readonly name?: string;
}

export interface AddedEncoder extends InstalledEncoder {
  /** What was guessed, one sentence each, for a person to confirm. */
  readonly guesses: readonly string[];
  readonly trial: EncoderTrial;
}

/** Protobuf's limit, and that of reading a file in one piece. */
const LARGEST_FILE = 2 ** 31 - 1;

/** `My Model v2.onnx` → `my-model-v2`. */
function nameFromFile(file: string): string {
  return path
    .basename(file, path.extname(file))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 64);
}

/**
 * Inspects an ONNX file, proposes a manifest, runs test pictures through it and copies it into the data folder.
 * Nothing is left behind when any of this fails.
 * @throws EncoderRefused EncoderBroken, and the reader's NotAnOnnxModel and ExternalDataUnavailable
 */
export async function addEncoder(
  file: string,
  dependencies: AddDependencies,
  options: AddOptions = {},
): Promise<AddedEncoder> {
  const folders = encoderFolders(dependencies.config.data, dependencies.builtin);
  const name = options.name ?? nameFromFile(file);
  await requireFreeName(name, folders);

  const staging = path.join(folders.installed, `.${name}-${randomUUID()}`);
  await mkdir(staging, { recursive: true });
  try {
    const model = path.join(staging, "model.onnx");
    const notes = await copyModel(file, model);
    const { manifest, guesses, trial } = await inspect(model, name, path.basename(file), options);
    await writeFile(path.join(staging, HASH_FILE), `${await sha256OfFile(model)}\n`);
    await writeFile(path.join(staging, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(staging, path.join(folders.installed, name));
    dependencies.logger.info({ encoder: name, dims: manifest.dims }, "encoder added");
    const installed = await createEncoderRegistry(dependencies).open(name);
    return { ...installed, guesses: [...guesses, ...notes], trial };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function requireFreeName(name: string, folders: { installed: string; builtin: string }): Promise<void> {
  if (!isEncoderName(name)) {
    throw new EncoderRefused(
      `"${name}" cannot be an encoder's name: lower-case letters, digits, dots and dashes, 64 at most. Give one with --name.`,
    );
  }
  for (const folder of [folders.installed, folders.builtin]) {
    if ((await manifestIn(folder, name)) !== undefined) {
      throw new EncoderRefused(`There is an encoder "${name}" already. Give this one another name with --name.`);
    }
  }
}

/**
 * Copies a model as one file: weights that lie beside it are put inside.
 * @returns notes for the person who adds it
 */
async function copyModel(file: string, target: string): Promise<string[]> {
  const facts = await stat(file).catch((error: unknown) => {
    throw new EncoderRefused(`${file} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  if (!facts.isFile()) throw new EncoderRefused(`${file} is not a file.`);
  if (facts.size > LARGEST_FILE) throw new OnnxModelTooLarge(`The file "${file}"`, facts.size);
  try {
    if (await isWhole(file)) await copyFile(file, target);
    else await writeModelFile(await readModelFile(file), target);
    return [];
  } catch (error) {
    if (!(error instanceof OnnxFeatureUnsupported)) throw error;
    // The runtime knows more of ONNX than our reader: such a model can embed, though it cannot be trained.
    await copyFile(file, target);
    return [`It can embed photos but not be trained here: ${error.message}`];
  }
}

/** Whether all weights lie inside the file. */
async function isWhole(file: string): Promise<boolean> {
  try {
    readModel(await readFile(file));
    return true;
  } catch (error) {
    if (error instanceof ExternalDataUnavailable) return false;
    throw error;
  }
}

async function inspect(
  model: string,
  name: string,
  origin: string,
  wishes: EncoderWishes,
): Promise<ManifestProposal & { readonly trial: EncoderTrial }> {
  const session = await openSession(model);
  try {
    const { manifest, guesses } = proposeManifest(session, name, origin, wishes);
    const checked = parseManifest(manifest, "The proposed manifest");
    return { manifest: checked, guesses, trial: await trySession(checked, session) };
  } finally {
    await session.release();
  }
}
