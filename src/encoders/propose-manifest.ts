import type { InferenceSession } from "onnxruntime-node";
import type { EncoderManifest, Preprocessing } from "./encoder.type.js";
import { EncoderRefused } from "./encoder-errors.js";

type Shape = ReadonlyArray<number | string>;
interface TensorFacts {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}

/** What the caller knows better than a look at the graph can tell. */
export interface EncoderWishes {
  readonly size?: number;
  readonly resize?: Preprocessing["resize"];
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  readonly output?: string;
  readonly pooling?: EncoderManifest["pooling"];
  readonly licence?: string;
  readonly description?: string;
  readonly cuts?: readonly string[];
}

export interface ManifestProposal {
  readonly manifest: EncoderManifest;
  /** What was guessed, one sentence each, for a person to confirm. */
  readonly guesses: readonly string[];
}

/** Output names of common exports that hold the picture's vector, best first. */
const VECTOR_OUTPUTS = [
  "image_embeds",
  "image_embedding",
  "image_embeddings",
  "embeddings",
  "embedding",
  "pooler_output",
];

/**
 * Proposes a manifest for a model from the names and shapes of its inputs and outputs.
 * @throws EncoderRefused when the model takes no single picture, or its size or channels are not known
 */
export function proposeManifest(
  session: Pick<InferenceSession, "inputMetadata" | "outputMetadata">,
  name: string,
  origin: string,
  wishes: EncoderWishes = {},
): ManifestProposal {
  const guesses: string[] = [];
  const input = onlyInput(tensorsOf(session.inputMetadata));
  const { layout, size } = pictureShape(input, wishes.size, guesses);
  const chosen = chooseOutput(tensorsOf(session.outputMetadata), layout, wishes, guesses);
  if (wishes.mean === undefined || wishes.std === undefined) {
    guesses.push(
      "Mean and std are not in an ONNX file: the ImageNet values (0.485, 0.456, 0.406 / 0.229, 0.224, 0.225) are a " +
        "guess. CLIP, SigLIP and others use their own; wrong ones cost accuracy without an error.",
    );
  }
  if (wishes.resize === undefined) guesses.push('Resize "crop" (cover, then centre) is a guess.');
  if (wishes.licence === undefined) guesses.push("The licence is not in the file; it is recorded as unknown.");
  const manifest: EncoderManifest = {
    name,
    description: wishes.description ?? `Added from ${origin}.`,
    licence: wishes.licence ?? "unknown",
    origin,
    model: "model.onnx",
    input: input.name,
    preprocessing: {
      size,
      resize: wishes.resize ?? "crop",
      layout,
      mean: wishes.mean ?? [0.485, 0.456, 0.406],
      std: wishes.std ?? [0.229, 0.224, 0.225],
    },
    ...chosen,
    cuts: wishes.cuts ?? [],
  };
  return { manifest, guesses };
}

function tensorsOf(values: InferenceSession["inputMetadata"]): TensorFacts[] {
  return values.flatMap((value) =>
    value.isTensor ? [{ name: value.name, type: value.type, shape: value.shape }] : [],
  );
}

function describe({ name, type, shape }: TensorFacts): string {
  return `${name} ${type} [${shape.join(", ")}]`;
}

function onlyInput(inputs: readonly TensorFacts[]): TensorFacts {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new EncoderRefused(
      `The model takes ${inputs.length} inputs (${inputs.map(describe).join("; ")}); an encoder takes one picture. ` +
        "Export the vision half of the model alone.",
    );
  }
  if (input.type !== "float32") {
    throw new EncoderRefused(
      `The input ${describe(input)} is not float32. Use the fp32 file of the model: inputs of fp16 or uint8 are not fed.`,
    );
  }
  return input;
}

/** A dimension that is fixed, or undefined for a symbolic one. */
function fixed(side: number | string | undefined): number | undefined {
  return typeof side === "number" && side > 0 ? side : undefined;
}

function pictureShape(
  input: TensorFacts,
  wished: number | undefined,
  guesses: string[],
): { layout: Preprocessing["layout"]; size: number } {
  const [batch, ...sides] = input.shape;
  if (sides.length !== 3) {
    throw new EncoderRefused(
      `The input ${describe(input)} is no batch of pictures [batch, 3, height, width] or [batch, height, width, 3].`,
    );
  }
  if (fixed(batch) !== undefined) {
    throw new EncoderRefused(
      `The input ${describe(input)} has a fixed batch of ${batch}. Export the model with a dynamic batch axis ` +
        '(torch.onnx.export: dynamic_axes={"' +
        `${input.name}": {0: "batch"}}).`,
    );
  }
  const channelsFirst = fixed(sides[0]);
  const channelsLast = fixed(sides[2]);
  let layout: Preprocessing["layout"];
  if (channelsFirst === 3) layout = "NCHW";
  else if (channelsLast === 3) layout = "NHWC";
  else if (channelsFirst === undefined) {
    layout = "NCHW";
    guesses.push(`The channel axis of ${describe(input)} is not fixed; channels first (NCHW) is a guess.`);
  } else {
    throw new EncoderRefused(`The input ${describe(input)} has no axis of 3 colour channels.`);
  }
  const [height, width] = layout === "NCHW" ? [sides[1], sides[2]] : [sides[0], sides[1]];
  const size = fixed(height) ?? fixed(width) ?? wished;
  if (size === undefined) {
    throw new EncoderRefused(
      `The input ${describe(input)} takes any size, so the size that the model was trained with cannot be known from ` +
        "the file. Give it, for example --size 224.",
    );
  }
  if ((fixed(height) ?? size) !== size || (fixed(width) ?? size) !== size) {
    throw new EncoderRefused(`The input ${describe(input)} is not square; only square inputs are fed.`);
  }
  if (wished !== undefined && wished !== size) {
    throw new EncoderRefused(`The input ${describe(input)} is ${size} pixels wide, not ${wished}.`);
  }
  return { layout, size };
}

type OutputChoice = Pick<EncoderManifest, "output" | "pooling" | "dims">;

function chooseOutput(
  outputs: readonly TensorFacts[],
  layout: Preprocessing["layout"],
  wishes: EncoderWishes,
  guesses: string[],
): OutputChoice {
  const listed = outputs.map(describe).join("; ");
  const floats = outputs.filter(({ type, shape }) => type === "float32" && shape.length >= 2 && shape.length <= 4);
  const rank = ({ name, shape }: TensorFacts): number => {
    const known = VECTOR_OUTPUTS.indexOf(name);
    return known >= 0 ? known : VECTOR_OUTPUTS.length + shape.length;
  };
  const ordered = [...floats].sort((a, b) => rank(a) - rank(b));
  const output = wishes.output === undefined ? ordered[0] : floats.find(({ name }) => name === wishes.output);
  if (output === undefined) {
    throw new EncoderRefused(
      wishes.output === undefined
        ? `The model has no float32 output that could be a vector (${listed}).`
        : `The model has no float32 output "${wishes.output}" (${listed}).`,
    );
  }
  if (wishes.output === undefined && outputs.length > 1) {
    guesses.push(`Output "${output.name}" of ${outputs.length} (${listed}) is a guess.`);
  }
  const pooling = wishes.pooling ?? poolingFor(output, guesses);
  const dims = fixed(output.shape[pooling === "average" && layout === "NCHW" ? 1 : output.shape.length - 1]);
  if (dims === undefined) {
    throw new EncoderRefused(
      `The output ${describe(output)} does not say how many numbers a vector has. Run ONNX shape inference over the ` +
        "file (onnx.shape_inference.infer_shapes) and add it again.",
    );
  }
  return { output: output.name, pooling, dims };
}

function poolingFor(output: TensorFacts, guesses: string[]): EncoderManifest["pooling"] {
  if (output.shape.length === 2) return "none";
  if (output.shape.length === 4) return "average";
  guesses.push(
    `Output "${output.name}" is a sequence of tokens; taking the first (class) token is a guess. The other choice is ` +
      '"mean-tokens".',
  );
  return "cls";
}
