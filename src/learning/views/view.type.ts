import type { Preprocessing } from "../../encoders/encoder.type.js";

/** How views of a photo differ from it. */
export interface AugmentationSettings {
  /** Share of the photo's area that a crop keeps. */
  readonly area: readonly [number, number];
  /** Width by height of a crop. */
  readonly ratio: readonly [number, number];
  readonly flip: boolean;
  /** Brightness, contrast and saturation move by up to this share. Hue is left alone: colour is what shoppers mean. */
  readonly jitter: number;
}

/** One view of a photo: what is cut out of it, in shares of its sides, and how its colours move. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly flip: boolean;
  /** Factors; 1 leaves things as they are. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

/** A photo to prepare: bytes, and which of its views. View 0 is the photo itself, as serving sees it. */
export interface ViewRequest {
  readonly photo: Uint8Array;
  /** Seed of this photo's views. */
  readonly seed: number;
  readonly views: readonly number[];
}

/** What a thread that prepares views is started with. */
export interface ViewLaneSettings {
  readonly preprocessing: Preprocessing;
  readonly maxPixels: number;
  readonly augmentation: AugmentationSettings;
  /** The frozen part of the encoder as an ONNX model; absent: views are given as pixels. */
  readonly trunk?: Uint8Array;
  /** Outputs of the trunk that are kept, in order. The input's own name stands for the pixels. */
  readonly values: readonly string[];
  /** Cores that one inference may use. */
  readonly threads: number;
  /** Give half-precision numbers, for a cache. */
  readonly half: boolean;
}

/** Of every view in turn all values in order, without gaps. */
export type ViewRows = Uint16Array | Float32Array;
