/** How photos become the encoder's input. Part of the encoder's digest: change it and its vectors are stale. */
export interface Preprocessing {
  /** Side of the square input, in pixels. */
  readonly size: number;
  /** squash: ignore the aspect ratio. crop: cover, then centre. pad: contain, on the mean colour. */
  readonly resize: "squash" | "crop" | "pad";
  readonly layout: "NCHW" | "NHWC";
  /** Input = (pixel / 255 − mean) / std, per channel, RGB. x/127.5 − 1 is mean .5, std .5. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** `encoders/NAME/manifest.json`. */
export interface EncoderManifest {
  readonly name: string;
  readonly description: string;
  readonly licence: string;
  readonly origin: string;
  /** File name beside the manifest. */
  readonly model: string;
  readonly input: string;
  readonly preprocessing: Preprocessing;
  /** Output tensor, and how it becomes one vector. */
  readonly output: string;
  readonly pooling: "none" | "average" | "cls" | "mean-tokens";
  readonly dims: number;
  /** Tensors at which the trunk can be frozen, from input to output. */
  readonly cuts: readonly string[];
  /** Where `encoder pull` finds the weights; absent for encoders that are made or added locally. */
  readonly hub?: { readonly repository: string; readonly revision: string; readonly file: string };
}

/** An encoder on disk: a manifest, its ONNX file, and the digest over weights and preprocessing. */
export interface InstalledEncoder {
  readonly manifest: EncoderManifest;
  readonly modelPath: string;
  readonly digest: string;
}

export interface EncoderRegistry {
  /** Installs the offline default on first use. @throws EncoderUnknown */
  open(name: string): Promise<InstalledEncoder>;
  list(): Promise<
    (
      | InstalledEncoder
      | {
          readonly manifest: Pick<EncoderManifest, "name" | "description" | "licence" | "origin">;
          readonly installed: false;
        }
    )[]
  >;
}
