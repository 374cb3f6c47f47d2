import { z } from "zod";
import type { TrainerState } from "./trainer.type.js";
import { StateMismatch } from "./training.errors.js";

/**
 * Trainer states as bytes, in the safetensors format (https://huggingface.co/docs/safetensors): eight bytes with the
 * length of a JSON header, the header, then the numbers of all arrays, little-endian.
 */

const metadataShape = z.object({
  format: z.literal(1),
  steps: z.number().int().nonnegative(),
  parameters: z.array(z.object({ name: z.string(), shape: z.array(z.number().int().nonnegative()) })),
  optimiser: z.object({
    name: z.enum(["sgd", "adamw"]),
    steps: z.object({ head: z.number().int().nonnegative(), trunk: z.number().int().nonnegative() }),
  }),
});

const headerShape = z.object({ __metadata__: z.object({ lookalike: z.string() }) }).catchall(
  z.object({
    dtype: z.literal("F32"),
    shape: z.tuple([z.number().int().nonnegative()]),
    data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
  }),
);

const REMEMBERED = "optimiser.";

export function writeTrainerState(state: TrainerState): Uint8Array {
  const arrays: [string, Float32Array][] = [["weights", state.weights]];
  if (state.average) arrays.push(["average", state.average]);
  for (const [name, array] of Object.entries(state.optimiser.arrays)) arrays.push([REMEMBERED + name, array]);
  if (state.statistics) {
    arrays.push(["statistics.mean", state.statistics.mean], ["statistics.deviation", state.statistics.deviation]);
  }
  const { format, steps, parameters, optimiser } = state;
  const metadata = { format, steps, parameters, optimiser: { name: optimiser.name, steps: optimiser.steps } };
  const header: Record<string, unknown> = { __metadata__: { lookalike: JSON.stringify(metadata) } };
  let end = 0;
  for (const [name, { length, byteLength }] of arrays) {
    header[name] = { dtype: "F32", shape: [length], data_offsets: [end, end + byteLength] };
    end += byteLength;
  }
  // Padded with spaces, as the format asks, so that the numbers begin at a multiple of eight.
  const text = Buffer.from(JSON.stringify(header));
  const headerBytes = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const bytes = new Uint8Array(8 + headerBytes.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  bytes.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const [, array] of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  return bytes;
}

/** @throws StateMismatch  for bytes that are no state, or not all of one */
export function readTrainerState(bytes: Uint8Array): TrainerState {
  const { header, metadata, start } = readHeader(bytes);
  const arrays = new Map<string, Float32Array>();
  for (const [name, entry] of Object.entries(header)) {
    if (!("data_offsets" in entry)) continue;
    const [from, to] = entry.data_offsets as [number, number];
    if (to - from !== 4 * (entry.shape as [number])[0] || start + to > bytes.length) {
      throw damaged(`"${name}" ends at byte ${start + to} of ${bytes.length}`);
    }
    // A copy, so that the numbers lie on a multiple of four. Not by slice(), which of a Buffer is a view.
    arrays.set(name, new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer));
  }
  const weights = arrays.get("weights");
  if (weights === undefined) throw damaged("it holds no weights");
  const [mean, deviation] = [arrays.get("statistics.mean"), arrays.get("statistics.deviation")];
  const remembered = [...arrays].filter(([name]) => name.startsWith(REMEMBERED));
  return {
    ...metadata,
    weights,
    average: arrays.get("average") ?? null,
    optimiser: {
      ...metadata.optimiser,
      arrays: Object.fromEntries(remembered.map(([name, array]) => [name.slice(REMEMBERED.length), array])),
    },
    statistics: mean && deviation ? { mean, deviation } : null,
  };
}

function readHeader(bytes: Uint8Array) {
  if (bytes.length < 8) throw damaged(`it has ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = 8 + length;
  if (start > bytes.length) throw damaged(`its header ends at byte ${start} of ${bytes.length}`);
  try {
    const header = headerShape.parse(JSON.parse(Buffer.from(bytes.subarray(8, start)).toString("utf8")));
    return { header, start, metadata: metadataShape.parse(JSON.parse(header.__metadata__.lookalike)) };
  } catch (error) {
    throw damaged("its header cannot be read", error);
  }
}

function damaged(reason: string, cause?: unknown): StateMismatch {
  return new StateMismatch(`the file is damaged or of another kind (${reason})`, { cause });
}
