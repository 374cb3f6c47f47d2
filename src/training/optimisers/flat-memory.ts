import { OPTIMISE_KERNEL } from "./optimise-kernel.wasm.js";
import { plainKernel } from "./plain-kernel.js";
import type { VectorKernel } from "./vector-kernel.type.js";

const PAGE = 65_536;
/** WebAssembly addresses 32 bits. */
const LARGEST_MEMORY = 2 ** 32 - PAGE;

/** Arrays of one length, and the loops that work on them. */
export interface FlatMemory {
  /** Length of every array; a multiple of 16 when given so. */
  readonly length: number;
  /** One more array, of zeros. */
  array(): Float32Array;
  readonly kernel: VectorKernel;
}

const compiled = new WebAssembly.Module(Buffer.from(OPTIMISE_KERNEL, "base64"));

/**
 * Memory for so many arrays. They lie together where the compiled loops reach them; where that is more than 4 GiB, each
 * lies for itself and the plain loops run.
 */
export function createFlatMemory(length: number, arrays: number): FlatMemory {
  const bytes = Math.ceil(length / 16) * 64;
  if (bytes * arrays > LARGEST_MEMORY) return plainFlatMemory(length);
  const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil((bytes * arrays) / PAGE)) });
  let used = 0;
  return {
    length,
    array() {
      if (used === arrays) throw new RangeError(`all ${arrays} arrays are in use`);
      return new Float32Array(memory.buffer, bytes * used++, length);
    },
    kernel: compiledKernel(memory),
  };
}

export function plainFlatMemory(length: number): FlatMemory {
  return { length, array: () => new Float32Array(length), kernel: plainKernel };
}

type Compiled = (...parameters: number[]) => number;

/**
 * Works on whole fours: what lies between the end of a stretch and the next four belongs to no weight and holds zeros,
 * of which every loop makes zeros.
 */
function compiledKernel(memory: WebAssembly.Memory): VectorKernel {
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const { adamw, sgd, average, scale, squares } = exports as Record<string, Compiled>;
  if (!adamw || !sgd || !average || !scale || !squares) throw new TypeError("the optimisers' kernel is incomplete");
  const fours = (length: number) => Math.ceil(length / 4) * 4;
  const at = (array: Float32Array, from: number) => {
    if (array.buffer !== memory.buffer) throw new RangeError("the array lies in another memory");
    return array.byteOffset + 4 * from;
  };
  return {
    adamw({ weights, gradient, first, second }, from, to, c) {
      const addresses = [weights, gradient, first, second].map((array) => at(array, from));
      adamw(...addresses, fours(to - from), c.beta1, c.beta2, c.kept, c.reach, c.scale, c.epsilon);
    },
    sgd({ weights, gradient, velocity }, from, to, { rate, momentum, decay }) {
      const addresses = [weights, gradient, velocity].map((array) => at(array, from));
      sgd(...addresses, fours(to - from), rate, momentum, decay);
    },
    average(averages, weights, kept) {
      average(at(averages, 0), at(weights, 0), fours(averages.length), kept);
    },
    scale(values, share) {
      scale(at(values, 0), fours(values.length), share);
    },
    squares: (values) => squares(at(values, 0), fours(values.length)),
  };
}
