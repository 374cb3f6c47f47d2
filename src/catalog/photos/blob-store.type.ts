/** Where photo bytes live, by the SHA-256 of their content (lowercase hex). Writing twice is harmless. */
export interface BlobStore {
  has(contentHash: string): Promise<boolean>;
  write(contentHash: string, bytes: Uint8Array): Promise<void>;
  /** @throws BlobMissing */
  read(contentHash: string): Promise<Buffer>;
}
