import { CutUnknown, closestNames, normalise, refuseUnknownOperators } from "../autodiff/index.js";
import { type Graph, inferShapes, pruneGraph } from "../onnx/index.js";
import { TrainingUnfit } from "./training.errors.js";

/** An encoder as it is read from its file. */
export interface EncoderGraph {
  readonly graph: Graph;
  /** Shape of one photo, without the batch: [3, 224, 224]. Needed where the file leaves height and width open. */
  readonly image?: readonly number[];
}

/** An encoder ready to be cut: normal form, batch open, everything else static. */
export interface PreparedEncoder {
  /** Outputs are the values that were asked for. */
  readonly graph: Graph;
  /** Name of its image input. */
  readonly image: string;
  /** "head", or the next free name where the encoder is a tuned model with a head of its own. */
  readonly headPrefix: string;
}

export const BATCH = "batch";

/**
 * Brings an encoder into the form that is trained, with the batch left open.
 * @param cuts to keep by name
 * @param values that the head reads
 * @throws CutUnknown, TrainingUnfit, GraphNotTrainable, GraphInvalid, OnnxFeatureUnsupported, ShapeUnknown, DynamicControlFlow,
 * QuantisedGraph
 */
export async function prepareEncoder(
  encoder: EncoderGraph,
  cuts: readonly string[],
  values: readonly string[],
): Promise<PreparedEncoder> {
  const { graph } = encoder;
  const fed = graph.inputs.filter(({ name }) => !graph.initialisers.has(name));
  const [image] = fed;
  if (image === undefined || fed.length > 1) {
    throw new TrainingUnfit(
      `The encoder has ${fed.length} inputs (${fed.map(({ name }) => name).join(", ")}), not one for images. ` +
        "Export the image tower alone.",
    );
  }
  if (image.type.elementType !== "float32") {
    throw new TrainingUnfit(
      `The encoder takes images as ${image.type.elementType}; training feeds float32. ` +
        "Use the fp32 file of the same model, or export it with float32 images.",
    );
  }
  const made = new Set([image.name, ...graph.nodes.flatMap(({ outputs }) => outputs)]);
  for (const cut of cuts) if (!made.has(cut)) throw new CutUnknown(cut, closestNames(cut, graph));
  for (const value of values) {
    if (made.has(value)) continue;
    throw new TrainingUnfit(
      `The encoder has no value "${value}" for the head to read. Closest: ${closestNames(value, graph).join(", ")}.`,
    );
  }
  const shape = [BATCH, ...(encoder.image ?? image.type.shape.slice(1))];
  if (shape.slice(1).some((size) => typeof size !== "number")) {
    throw new TrainingUnfit(
      `The encoder leaves the size of its images open ([${image.type.shape.join(", ")}]). ` +
        "Say it: image: [3, 224, 224] for example, as in its manifest.",
    );
  }
  const kept = [...new Set([...cuts, ...values])].filter((name) => name !== image.name);
  const opened: Graph = pruneGraph({
    ...graph,
    inputs: [{ name: image.name, type: { ...image.type, shape } }],
    outputs: kept.map((name) => ({ name, type: undefined })),
    valueTypes: new Map(),
  });
  refuseUnknownOperators(opened, cuts);
  const normal = await normalise(inferShapes(opened), {});
  return { graph: normal, image: image.name, headPrefix: freePrefix(normal) };
}

function freePrefix(graph: Graph): string {
  const names = [...graph.initialisers.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const taken = (prefix: string) => names.some((name) => name.startsWith(`${prefix}/`));
  let prefix = "head";
  for (let number = 2; taken(prefix); number++) prefix = `head${number}`;
  return prefix;
}
