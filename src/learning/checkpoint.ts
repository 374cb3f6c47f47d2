import { z } from "zod";
import { messageOf } from "../errors.js";
import { readTrainerState, type TrainerState, writeTrainerState } from "../training/index.js";
import { CheckpointMismatch } from "./learning.errors.js";

/** Where a run stands between two steps. */
export interface Checkpoint {
  /** Everything that the run must have in common with the one that goes on from it. */
  readonly identity: string;
  /** Plan, recipe, position, sampler and figures: plain JSON. */
  readonly run: unknown;
  readonly trainer: TrainerState;
  /** Weights of the best validation so far, in the order of the trainer's state. */
  readonly best: Float32Array | undefined;
}

const headerShape = z.object({
  format: z.literal(1),
  identity: z.string(),
  run: z.unknown(),
  trainerBytes: z.number().int().nonnegative(),
  bestLength: z.number().int().nonnegative(),
});

/** Four bytes with the length of a JSON header, the header, the trainer's state (safetensors), the best weights. */
export function writeCheckpoint({ identity, run, trainer, best }: Checkpoint): Uint8Array {
  const state = writeTrainerState(trainer);
  const bestLength = best?.length ?? 0;
  const header = Buffer.from(JSON.stringify({ format: 1, identity, run, trainerBytes: state.length, bestLength }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const weights = best ? Buffer.from(best.buffer, best.byteOffset, best.byteLength) : Buffer.alloc(0);
  return Buffer.concat([length, header, state, weights]);
}

/** @throws CheckpointMismatch */
export function readCheckpoint(bytes: Uint8Array, identity: string): Checkpoint {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(whole);
  if (header.identity !== identity) {
    throw new CheckpointMismatch("it was written for other photos, another encoder or another request");
  }
  const stateAt = 4 + whole.readUInt32LE(0);
  const bestAt = stateAt + header.trainerBytes;
  const end = bestAt + 4 * header.bestLength;
  if (end !== whole.length) throw new CheckpointMismatch(`it has ${whole.length} bytes and should have ${end}`);
  const best = new Float32Array(header.bestLength);
  Buffer.from(best.buffer).set(whole.subarray(bestAt, end));
  return {
    identity,
    run: header.run,
    trainer: readTrainerState(whole.subarray(stateAt, bestAt)),
    best: header.bestLength > 0 ? best : undefined,
  };
}

function readHeader(whole: Buffer) {
  try {
    return headerShape.parse(JSON.parse(whole.subarray(4, 4 + whole.readUInt32LE(0)).toString("utf8")));
  } catch (error) {
    throw new CheckpointMismatch(`its header cannot be read (${messageOf(error)})`, { cause: error });
  }
}
