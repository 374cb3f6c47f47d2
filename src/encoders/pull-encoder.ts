import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../config.js";
import type { Logger } from "../logger.js";
import { DEFAULT_ENCODER } from "./default-encoder.js";
import type { EncoderManifest, EncoderRegistry, InstalledEncoder } from "./encoder.type.js";
import { DownloadCorrupt, EncoderUnknown } from "./encoder-errors.js";
import { encoderFolders, encoderNames, HASH_FILE, manifestIn, recordedHash } from "./encoder-folders.js";
import { type LockEntry, lockEncoder, readEncoderLock, replaceFile } from "./encoder-lock.js";
import { createEncoderRegistry } from "./encoder-registry.js";
import { createHubClient, type HubClient, type HubFile, type HubOptions, hubFromEnvironment } from "./hub-client.js";
import { type DownloadProgress, downloadFromHub } from "./hub-download.js";
import { tryEncoder } from "./try-encoder.js";

export interface PullDependencies {
  readonly config: Pick<Config, "data">;
  readonly logger: Logger;
  /** The hub; `LOOKALIKE_HUB_URL` and `LOOKALIKE_HUB_TOKEN` otherwise. */
  readonly hub?: HubOptions;
  /** Lock file to follow and to write; `encoders/encoders.lock.json` of the data folder otherwise. */
  readonly lockFile?: string;
  /** Folder of built-in manifests, when it is not the package's own. */
  readonly builtin?: string;
  readonly progress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface PulledEncoder extends InstalledEncoder {
  /** What the lock file now says; absent for the default encoder, which is not downloaded. */
  readonly locked?: LockEntry;
  /** Whether nothing had to be downloaded. */
  readonly present: boolean;
}

/** Where `encoder pull` looks for the lock and writes it. */
export function defaultLockFile(dataFolder: string): string {
  return path.join(dataFolder, "encoders", "encoders.lock.json");
}

/**
 * Installs a known encoder from the hub: verified against the hub's own hash and against the lock file when that
 * names it already, so that every machine with the same lock file has the same bytes. A broken download goes on where
 * it stopped. Before it takes the encoder's place the file must embed a test picture as its manifest says.
 * @throws EncoderUnknown HubOffline HubRefused DownloadCorrupt EncoderBroken
 */
export async function pullEncoder(name: string, dependencies: PullDependencies): Promise<PulledEncoder> {
  const { config, logger, signal, progress } = dependencies;
  const folders = encoderFolders(config.data, dependencies.builtin);
  const registry = createEncoderRegistry(dependencies);
  const manifest = await manifestIn(folders.builtin, name);
  if (manifest?.hub === undefined) return openWithoutHub(name, folders.builtin, registry);

  const { hub } = manifest;
  const lockFile = dependencies.lockFile ?? defaultLockFile(config.data);
  const locked = sameAddress((await readEncoderLock(lockFile))[name], hub);
  const folder = path.join(folders.installed, name);
  const present = await alreadyHere(registry, folder, manifest, locked);
  if (present !== undefined) return present;

  const options = dependencies.hub ?? hubFromEnvironment();
  const client = createHubClient(options);
  const expected = await describeLocked(client, hub, locked, signal);
  logger.info(
    { encoder: name, repository: hub.repository, commit: expected.commit, bytes: expected.size },
    "pulling encoder",
  );
  const downloaded = await downloadFromHub({
    client,
    repository: hub.repository,
    file: hub.file,
    expected,
    folder: path.join(folders.installed, ".downloads"),
    ...(progress ? { progress } : {}),
    ...(signal ? { signal } : {}),
    ...(options.attempts === undefined ? {} : { attempts: options.attempts }),
    ...(options.pause === undefined ? {} : { pause: options.pause }),
  });
  if (locked !== undefined && downloaded.sha256 !== locked.sha256) {
    await rm(downloaded.path, { force: true });
    throw differsFromLock(name, downloaded.sha256, locked, lockFile);
  }
  await tryEncoder(manifest, downloaded.path);

  await mkdir(folder, { recursive: true });
  await rename(downloaded.path, path.join(folder, manifest.model));
  await replaceFile(path.join(folder, HASH_FILE), `${downloaded.sha256}\n`);
  // Last, because a folder counts as an encoder from the moment it has a manifest.
  await replaceFile(path.join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const entry: LockEntry = {
    repository: hub.repository,
    file: hub.file,
    commit: expected.commit,
    size: expected.size,
    sha256: downloaded.sha256,
  };
  await lockEncoder(lockFile, name, entry);
  return { ...(await registry.open(name)), locked: entry, present: false };
}

/** The default is made, not pulled; anything else without an address is not known. */
async function openWithoutHub(name: string, builtin: string, registry: EncoderRegistry): Promise<PulledEncoder> {
  if (name === DEFAULT_ENCODER) return { ...(await registry.open(name)), present: true };
  const available = (await encoderNames(builtin)).filter((known) => known !== DEFAULT_ENCODER);
  throw new EncoderUnknown(name, { installed: [DEFAULT_ENCODER], available });
}

/** A lock entry for another repository or file than the manifest names says nothing about this one. */
function sameAddress(entry: LockEntry | undefined, hub: NonNullable<EncoderManifest["hub"]>): LockEntry | undefined {
  return entry?.repository === hub.repository && entry.file === hub.file ? entry : undefined;
}

async function alreadyHere(
  registry: EncoderRegistry,
  folder: string,
  manifest: EncoderManifest,
  locked: LockEntry | undefined,
): Promise<PulledEncoder | undefined> {
  if (locked === undefined || (await recordedHash(folder)) !== locked.sha256) return undefined;
  try {
    return { ...(await registry.open(manifest.name)), locked, present: true };
  } catch {
    // Damaged or half installed: pulling it again is the remedy.
    return undefined;
  }
}

async function describeLocked(
  client: HubClient,
  hub: NonNullable<EncoderManifest["hub"]>,
  locked: LockEntry | undefined,
  signal: AbortSignal | undefined,
): Promise<HubFile> {
  const described = await client.describe(hub.repository, locked?.commit ?? hub.revision, hub.file, signal);
  if (locked === undefined) return described;
  const { hash } = described;
  if (described.size !== locked.size || (hash.algorithm === "sha256" && hash.value !== locked.sha256)) {
    throw differsFromLock(`${hub.repository}/${hub.file}`, hash.value, locked, "The lock file");
  }
  return described;
}

function differsFromLock(what: string, found: string, locked: LockEntry, lockFile: string): DownloadCorrupt {
  return new DownloadCorrupt(
    `The hub serves other bytes of ${what} than are locked (${found}; ${lockFile} says ${locked.sha256} at commit ` +
      `${locked.commit}). Remove its entry from the lock file only if you want the other version.`,
  );
}
