import type { EncoderManifest } from "../../encoders/encoder.type.js";
import type { Graph } from "../../onnx/index.js";
import type { FeatureSpecification } from "../../training/index.js";

/** Earlier values that are worth joining, by the output they belong to. MobileNetV2: the 576 channels at 14 × 14. */
const EARLIER_VALUES: Readonly<Record<string, string>> = { conv_1: "block_13/expand" };

/**
 * What of an encoder a projection or a head sees. Feature maps give their average and their maximum over all places;
 * what MobileNetV2 has earlier is joined. Other encoders are seen by what their manifest names.
 */
export function featuresOf(manifest: EncoderManifest, graph: Graph): FeatureSpecification[] {
  const { output: value, pooling, preprocessing } = manifest;
  if (pooling !== "average") return [{ value, pooling }];
  const channelsLast = preprocessing.layout === "NHWC";
  const layout = channelsLast ? { channelsLast } : {};
  const features: FeatureSpecification[] = [
    { value, pooling: "average", ...layout },
    { value, pooling: "max", ...layout },
  ];
  const earlier = EARLIER_VALUES[value];
  const made = earlier !== undefined && graph.nodes.some(({ outputs }) => outputs.includes(earlier));
  return made ? [...features, { value: earlier, pooling: "average", ...layout }] : features;
}
