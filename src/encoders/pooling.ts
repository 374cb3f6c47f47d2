import type { EncoderManifest } from "./encoder.type.js";
import { EncoderBroken } from "./encoder-errors.js";

/**
 * Turns a batch of the encoder's output into one vector `[dims]` a photo, not normalised.
 * average: mean over the positions of a feature map; cls: the first token; mean-tokens: mean over all tokens; none:
 * the output is the vectors.
 * @param shape of the output, batch first
 * @throws EncoderBroken when the output does not have the shape that the manifest promises
 */
export function poolOutput(
  manifest: Pick<EncoderManifest, "name" | "output" | "pooling" | "dims" | "preprocessing">,
  data: Float32Array,
  shape: readonly number[],
): Float32Array[] {
  const [batch = 0, ...rest] = shape;
  const { pooling, dims } = manifest;
  const rowLength = rest.reduce((product, side) => product * side, 1);
  const rows = Array.from({ length: batch }, (_, row) => data.subarray(row * rowLength, (row + 1) * rowLength));
  switch (pooling) {
    case "none":
      if (rowLength !== dims) throw unexpected(manifest, shape, `[batch, ${dims}]`);
      return rows.map((row) => row.slice());
    case "cls":
      if (rest.length !== 2 || rest[1] !== dims) throw unexpected(manifest, shape, `[batch, tokens, ${dims}]`);
      return rows.map((row) => row.slice(0, dims));
    case "mean-tokens":
      if (rest.length !== 2 || rest[1] !== dims) throw unexpected(manifest, shape, `[batch, tokens, ${dims}]`);
      return rows.map((row) => meanOfRows(row, dims));
    case "average": {
      const channelsLast = manifest.preprocessing.layout === "NHWC";
      const expected = channelsLast ? `[batch, height, width, ${dims}]` : `[batch, ${dims}, height, width]`;
      if (rest.length !== 3 || rest[channelsLast ? 2 : 0] !== dims) throw unexpected(manifest, shape, expected);
      return rows.map((row) => (channelsLast ? meanOfRows(row, dims) : meanOfPlanes(row, dims)));
    }
  }
}

/** Mean over rows of `[positions, dims]`. */
function meanOfRows(values: Float32Array, dims: number): Float32Array {
  const sums = new Float64Array(dims);
  for (let index = 0; index < values.length; index++) sums[index % dims]! += values[index]!;
  const positions = values.length / dims;
  return Float32Array.from(sums, (sum) => sum / positions);
}

/** Mean of each plane of `[dims, positions]`. */
function meanOfPlanes(values: Float32Array, dims: number): Float32Array {
  const positions = values.length / dims;
  return Float32Array.from({ length: dims }, (_, plane) => {
    let sum = 0;
    for (let index = plane * positions; index < (plane + 1) * positions; index++) sum += values[index]!;
    return sum / positions;
  });
}

function unexpected(
  manifest: Pick<EncoderManifest, "name" | "output" | "pooling">,
  shape: readonly number[],
  expected: string,
): EncoderBroken {
  return new EncoderBroken(
    `Encoder "${manifest.name}": output "${manifest.output}" is [${shape.join(", ")}], but pooling ` +
      `"${manifest.pooling}" needs ${expected}. Correct output, pooling or dims in its manifest.`,
  );
}
