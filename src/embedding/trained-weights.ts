import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { createFileBlobs } from "../catalog/photos/blob-file-store.js";
import type { Config } from "../config.js";
import type { InstalledEncoder } from "../encoders/encoder.type.js";
import { sha256OfFile } from "../encoders/file-hash.js";
import type { ArtefactStore } from "../models/artefact-store.type.js";
import type { ModelVersion, TrainedWeights } from "../models/model-version.type.js";

/**
 * A trained model's weights as a file on this machine, named by their hash and fetched from the artefact store once.
 * ONNX Runtime loads a file with less memory than bytes, and lanes share its pages. What is there is hashed before it
 * is believed: a crash may have cut it.
 * @throws ArtefactMissing, ArtefactDamaged
 */
export async function fetchTrained(
  model: ModelVersion,
  { key, sha256, manifest }: TrainedWeights,
  { artefacts, config }: { readonly artefacts: Pick<ArtefactStore, "read">; readonly config: Pick<Config, "data"> },
): Promise<InstalledEncoder> {
  const folder = path.join(config.data, "trained");
  const modelPath = path.join(folder, `${sha256}.onnx`);
  if (!(await holds(modelPath, sha256))) {
    await createFileBlobs(folder).write(path.basename(modelPath), await artefacts.read(key, sha256));
  }
  return { manifest, modelPath, digest: model.encoderDigest };
}

/** Takes back what `fetchTrained` left on this machine. */
export async function forgetTrained(config: Pick<Config, "data">, sha256: string): Promise<void> {
  await rm(path.join(config.data, "trained", `${sha256}.onnx`), { force: true });
}

async function holds(file: string, sha256: string): Promise<boolean> {
  const there = await stat(file).catch(() => undefined);
  return there !== undefined && (await sha256OfFile(file)) === sha256;
}
