/**
 * Files that runs and models own, by key (`models/7/encoder.onnx`, `runs/<id>/checkpoint`): in the data folder, or in the
 * bucket of the blob store.
 */
export interface ArtefactStore {
  /** All or nothing. @returns SHA-256 of the bytes, lowercase hex @throws ArtefactNotWritten (disk full) */
  write(key: string, bytes: Uint8Array): Promise<string>;
  /** @throws ArtefactMissing, ArtefactDamaged when `sha256` is given and differs */
  read(key: string, sha256?: string): Promise<Buffer>;
  /** Nothing there is no error. */
  delete(key: string): Promise<void>;
}
