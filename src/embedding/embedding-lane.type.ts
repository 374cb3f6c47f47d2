import type { PhotoReason } from "../catalog/photos/photo-unreadable.error.js";
import type { InstalledEncoder } from "../encoders/encoder.type.js";
import type { Device } from "./encoder-session.js";

/** What a lane, one thread that decodes and infers, is started with. */
export interface LaneSettings {
  readonly encoder: InstalledEncoder;
  readonly device: Device;
  /** Cores that one inference may use. */
  readonly threads: number;
  /** Photos of one inference. */
  readonly batchSize: number;
  readonly maxPixels: number;
}

export interface LaneRequest {
  readonly id: number;
  readonly photos: readonly Uint8Array[];
}

/** An Error loses its class on the way between threads. */
export interface LaneFailure {
  readonly message: string;
  readonly code?: string;
}

export type LaneReply =
  | { readonly type: "ready" }
  | { readonly type: "broken"; readonly failure: LaneFailure }
  | {
      readonly type: "embedded";
      readonly id: number;
      readonly vectors: readonly (Float32Array | { readonly reason: PhotoReason; readonly message: string })[];
    }
  | { readonly type: "failed"; readonly id: number; readonly failure: LaneFailure };
