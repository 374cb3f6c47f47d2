import type { TakenPhoto } from "../photos/photo-intake.type.js";

/** A photo whose bytes the importing process has read already: what a local import hands to the writer. */
export type ResolvedPhoto =
  | {
      readonly state: "stored";
      /** Tells a changed file from an unchanged one: its size and modification time. */
      readonly etag: string;
      readonly photo: TakenPhoto;
    }
  | {
      readonly state: "failed";
      readonly etag: string;
      readonly code: string;
      readonly message: string;
    };

/** By photo address. */
export type ResolvedPhotos = ReadonlyMap<string, ResolvedPhoto>;
