/** A photo that was found good and is kept in the blob store. */
export interface TakenPhoto {
  /** SHA-256 of the bytes, lowercase hex: the key in the blob store. */
  readonly contentHash: string;
  /** From the content, not from what the sender said. */
  readonly mime: string;
  /** As shown: EXIF orientation applied. Pixels. */
  readonly width: number;
  readonly height: number;
  /** Length of the file. */
  readonly bytes: number;
}

/** The door through which every photo comes in, wherever its bytes are from. */
export interface PhotoIntake {
  /**
   * Looks at the content, and keeps it.
   * @throws PhotoUnreadable with the reason in `code`; nothing is kept
   */
  take(bytes: Uint8Array): Promise<TakenPhoto>;
  /** The same look without keeping anything. @throws PhotoUnreadable */
  inspect(bytes: Uint8Array): Promise<Omit<TakenPhoto, "contentHash">>;
}
