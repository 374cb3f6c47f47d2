import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { packageRoot } from "../database/package-root.js";
import type { EncoderManifest } from "./encoder.type.js";
import { EncoderBroken } from "./encoder-errors.js";
import { isEncoderName, readManifest } from "./manifest.js";

/** Where encoders lie on this machine. */
export interface EncoderFolders {
  /** `encoders/NAME/` of the data folder: what was made, pulled or added here. */
  readonly installed: string;
  /** `encoders/NAME/manifest.json` of the package: what is known. */
  readonly builtin: string;
}

export function encoderFolders(dataFolder: string, builtin = path.join(packageRoot(), "encoders")): EncoderFolders {
  return { installed: path.join(dataFolder, "encoders"), builtin };
}

/** File beside a model that holds the SHA-256 its bytes had when they were installed. */
export const HASH_FILE = "model.sha256";

/** The hash recorded beside a model, if one was. */
export async function recordedHash(folder: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(folder, HASH_FILE), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Reads `FOLDER/NAME/manifest.json`. @throws EncoderBroken when its name is not the folder's */
export async function manifestIn(folder: string, name: string): Promise<EncoderManifest | undefined> {
  if (!isEncoderName(name)) return undefined;
  const file = path.join(folder, name, "manifest.json");
  const manifest = await readManifest(file);
  if (manifest !== undefined && manifest.name !== name) {
    throw new EncoderBroken(`${file} names itself "${manifest.name}". Rename the folder or the encoder.`);
  }
  return manifest;
}

/** Names of the encoders that have a folder in `folder`, in alphabetical order. */
export async function encoderNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && isEncoderName(entry.name))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
