import { deflateSync, inflateSync } from "node:zlib";
import type { MinedPools } from "./mining.type.js";

/** A batch sampler between two batches. JSON. */
export interface SamplerState {
  readonly format: 1;
  readonly photos: number;
  /** Batches drawn. */
  readonly step: number;
  readonly excluded: readonly number[];
  /** One a rule; arrays deflated, in base64. */
  readonly pools: readonly (PackedPools | null)[];
}

interface PackedPools extends Pick<MinedPools, "bands"> {
  readonly positives: string;
  readonly positiveStart: string;
  readonly negatives: string;
  readonly negativeStart: string;
}

export function packSamplerState(state: {
  readonly photos: number;
  readonly step: number;
  readonly excluded: readonly number[];
  readonly pools: readonly (MinedPools | undefined)[];
}): SamplerState {
  return {
    format: 1,
    photos: state.photos,
    step: state.step,
    excluded: [...state.excluded],
    pools: state.pools.map((pools) =>
      pools === undefined
        ? null
        : {
            bands: pools.bands,
            positives: pack(pools.positives),
            positiveStart: pack(pools.positiveStart),
            negatives: pack(pools.negatives),
            negativeStart: pack(pools.negativeStart),
          },
    ),
  };
}

export function unpackPools({ pools }: SamplerState): (MinedPools | undefined)[] {
  return pools.map((packed) =>
    packed === null
      ? undefined
      : {
          bands: packed.bands,
          positives: unpack(packed.positives),
          positiveStart: unpack(packed.positiveStart),
          negatives: unpack(packed.negatives),
          negativeStart: unpack(packed.negativeStart),
        },
  );
}

function pack(values: Int32Array): string {
  return deflateSync(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).toString("base64");
}

function unpack(text: string): Int32Array {
  const bytes = inflateSync(Buffer.from(text, "base64"));
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
