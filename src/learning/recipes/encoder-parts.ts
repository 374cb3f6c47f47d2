import type { EncoderManifest } from "../../encoders/encoder.type.js";
import type { Graph } from "../../onnx/index.js";
import type { FeatureSpecification } from "../../training/index.js";
import { featuresOf } from "../whitening/features.js";

/** Which values of an encoder a head reads, and where it can be cut. */
export interface EncoderParts {
  /** The encoder's own vector first. */
  readonly features: readonly FeatureSpecification[];
  /** Before the last quarter or so; `undefined` where the manifest names no cut. */
  readonly lateCut: string | undefined;
  /** Before the third stage, as the seed repository unfreezes. */
  readonly middleCut: string | undefined;
  /** The photos themselves. */
  readonly input: string;
}

/** Share of the nodes that lie before the late cut of an encoder that nobody measured. */
const LATE = 0.75;
const MIDDLE = 0.35;

/** The parts of MobileNetV2 that learned best: docs/decisions/130-recipes.md. */
const measured = {
  lateCut: "block_14/input",
  middleCut: "block_6/input",
} as const;

/** @param graph the encoder as it is read from its file */
export function encoderParts(manifest: EncoderManifest, graph: Graph): EncoderParts {
  const { input, output, cuts } = manifest;
  const made = new Map(
    graph.nodes.flatMap(({ outputs }, position) => outputs.map((name) => [name, position] as const)),
  );
  const features = featuresOf(manifest, graph);
  if (made.has(measured.lateCut)) return { features, ...measured, input };
  const inside = cuts.filter((cut) => cut !== output && cut !== input && made.has(cut));
  const nearest = (share: number) =>
    inside
      .map((cut) => ({ cut, off: Math.abs((made.get(cut) ?? 0) / graph.nodes.length - share) }))
      .sort((left, right) => left.off - right.off)[0]?.cut;
  return { features, lateCut: nearest(LATE), middleCut: nearest(MIDDLE), input };
}
