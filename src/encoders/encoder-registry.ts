import { stat } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import { DEFAULT_ENCODER, findDefaultEncoder, installDefaultEncoder } from "./default-encoder.js";
import type { EncoderManifest, EncoderRegistry, InstalledEncoder } from "./encoder.type.js";
import { EncoderBroken, EncoderUnknown } from "./encoder-errors.js";
import { encoderFolders, encoderNames, HASH_FILE, manifestIn, recordedHash } from "./encoder-folders.js";
import { sha256OfFile } from "./file-hash.js";
import { encoderDigest } from "./manifest.js";

export interface EncoderRegistryDependencies {
  readonly config: Pick<Config, "data">;
  readonly logger: Logger;
  /** Folder of built-in manifests, when it is not the package's own. */
  readonly builtin?: string;
  /** Path of the packed asset that the default encoder is made from, when it is not in node_modules. */
  readonly defaultSource?: string;
}

/**
 * Finds encoders by name: first in the data folder (pulled, added, or put there by hand), then among the package's
 * manifests. The default is converted on first use; weights are hashed the first time a process opens them.
 */
export function createEncoderRegistry(dependencies: EncoderRegistryDependencies): EncoderRegistry {
  const { logger } = dependencies;
  const folders = encoderFolders(dependencies.config.data, dependencies.builtin);
  /** "path size mtime" → SHA-256, so that an encoder of 350 MB is hashed once a process and not once a job. */
  const hashes = new Map<string, Promise<string>>();

  const hashOf = async (file: string): Promise<string> => {
    const facts = await stat(file).catch(() => {
      throw new EncoderBroken(`${file} is missing. Pull or add the encoder again, or remove its folder.`);
    });
    const key = `${file} ${facts.size} ${facts.mtimeMs}`;
    const known = hashes.get(key);
    if (known !== undefined) return known;
    const hash = sha256OfFile(file);
    hashes.set(key, hash);
    hash.catch(() => hashes.delete(key));
    return hash;
  };

  const openInstalled = async (manifest: EncoderManifest): Promise<InstalledEncoder> => {
    const folder = path.join(folders.installed, manifest.name);
    const modelPath = path.join(folder, manifest.model);
    const [sha256, recorded] = await Promise.all([hashOf(modelPath), recordedHash(folder)]);
    if (recorded !== undefined && recorded !== sha256) {
      throw new EncoderBroken(
        `${modelPath} has changed since it was installed (SHA-256 ${sha256}, ${HASH_FILE} says ${recorded}). ` +
          "Pull or add the encoder again; to keep the changed file on purpose, give it a name of its own.",
      );
    }
    return { manifest, modelPath, digest: encoderDigest(manifest, sha256) };
  };

  const openDefault = async (manifest: EncoderManifest): Promise<InstalledEncoder> => {
    const folder = path.join(folders.installed, manifest.name);
    const { modelPath, sha256 } = await installDefaultEncoder(manifest, folder, logger, dependencies.defaultSource);
    return { manifest, modelPath, digest: encoderDigest(manifest, sha256) };
  };

  /** An encoder that is on disk already, without making or verifying anything. */
  const find = async (name: string): Promise<InstalledEncoder | undefined> => {
    const own = await manifestIn(folders.installed, name);
    if (own !== undefined) {
      const folder = path.join(folders.installed, name);
      const modelPath = path.join(folder, own.model);
      const sha256 = (await recordedHash(folder)) ?? (await hashOf(modelPath));
      return { manifest: own, modelPath, digest: encoderDigest(own, sha256) };
    }
    if (name !== DEFAULT_ENCODER) return undefined;
    const builtin = await manifestIn(folders.builtin, name);
    const made = builtin && (await findDefaultEncoder(builtin, path.join(folders.installed, name)));
    return made && { manifest: builtin, modelPath: made.modelPath, digest: encoderDigest(builtin, made.sha256) };
  };

  const list: EncoderRegistry["list"] = async () => {
    const [installed, builtin] = await Promise.all([encoderNames(folders.installed), encoderNames(folders.builtin)]);
    const names = [...new Set([...builtin, ...installed])].sort();
    const entries = await Promise.all(
      names.map(async (name) => {
        try {
          const found = await find(name);
          if (found !== undefined) return [found];
          const manifest = await manifestIn(folders.builtin, name);
          return manifest === undefined ? [] : [{ manifest, installed: false as const }];
        } catch (error) {
          // One damaged folder must not hide the encoders that work.
          logger.warn({ encoder: name, reason: messageOf(error) }, "encoder left out of the list");
          return [];
        }
      }),
    );
    return entries.flat();
  };

  return {
    list,
    async open(name) {
      const own = await manifestIn(folders.installed, name);
      if (own !== undefined) return openInstalled(own);
      if (name === DEFAULT_ENCODER) {
        const builtin = await manifestIn(folders.builtin, name);
        if (builtin !== undefined) return openDefault(builtin);
      }
      const known = await list();
      const namesWhere = (installed: boolean) =>
        known.filter((entry) => !("installed" in entry) === installed).map((entry) => entry.manifest.name);
      const available = namesWhere(false).filter((entry) => entry !== DEFAULT_ENCODER);
      throw new EncoderUnknown(name, {
        installed: [...new Set([DEFAULT_ENCODER, ...namesWhere(true)])],
        available,
      });
    },
  };
}
