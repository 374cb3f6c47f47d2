import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../src/database/package-root.js";
import { placePhoto } from "../../src/embedding/photo-geometry.js";
import { triangleTaps } from "../../src/embedding/resample-taps.js";
import { createResampler } from "../../src/embedding/resampler.js";
import type { Preprocessing } from "../../src/encoders/encoder.type.js";
import { PREPROCESSING_VERSION } from "../../src/encoders/preprocessing-version.js";

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const base: Preprocessing = { size: 12, resize: "squash", layout: "NCHW", ...imagenet };

/** 8-bit RGB that looks like nothing, the same for the same seed. */
function noise(width: number, height: number, seed = 7): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length: width * height * 3 }, () => {
      state = (state * 48271) % 2147483647;
      return state >> 8;
    }),
  );
}

function resampled(preprocessing: Preprocessing, width: number, height: number, pixels: Buffer): Float32Array {
  const resampler = createResampler(preprocessing, 1);
  pixels.copy(resampler.room({ width, height }));
  resampler.resample(0);
  return Float32Array.from(resampler.tensor(1));
}

/** The same by the definition, in double precision, pixel by pixel. */
function byDefinition(preprocessing: Preprocessing, width: number, height: number, pixels: Buffer): Float64Array {
  const { size, layout, mean, std } = preprocessing;
  const place = placePhoto(width, height, preprocessing);
  const rows = triangleTaps(height, place.rows.start, place.rows.length, place.rows.outputs);
  const columns = triangleTaps(width, place.columns.start, place.columns.length, place.columns.outputs);
  const tensor = new Float64Array(3 * size * size);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        row.weights.forEach((down, i) => {
          column.weights.forEach((across, j) => {
            sum += down * across * pixels[((row.start + i) * width + column.start + j) * 3 + channel]!;
          });
        });
        const at = (y + place.rows.to) * size + x + place.columns.to;
        const index = layout === "NCHW" ? channel * size * size + at : at * 3 + channel;
        tensor[index] = (sum / 255 - mean[channel]!) / std[channel]!;
      }
    });
  });
  return tensor;
}

describe("the resampler", () => {
  const sizes = [
    [40, 53],
    [53, 40],
    [12, 12],
    [1, 1],
    [1, 90],
    [90, 1],
    [5, 7],
    [48, 48],
    [13, 200],
    [17, 11],
  ] as const;
  for (const resize of ["squash", "crop", "pad"] as const) {
    for (const layout of ["NCHW", "NHWC"] as const) {
      test(`follows the definition: ${resize}, ${layout}`, () => {
        for (const [width, height] of sizes) {
          const preprocessing = { ...base, resize, layout };
          const pixels = noise(width, height);
          const actual = resampled(preprocessing, width, height, pixels);
          const expected = byDefinition(preprocessing, width, height, pixels);
          const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - actual[at]!)), 0);
          // 14-bit weights: an error of at most a hundredth of one of 255 steps, divided by std.
          assert.ok(worst < 3e-3, `${width} × ${height} is off by ${worst}`);
        }
      });
    }
  }

  test("keeps a plain colour exactly, whatever the size", () => {
    const colour = [200, 17, 93];
    for (const [width, height] of sizes) {
      const pixels = Buffer.from(Uint8Array.from({ length: width * height * 3 }, (_, at) => colour[at % 3]!));
      const tensor = resampled({ ...base, layout: "NHWC", mean: [0, 0, 0], std: [1, 1, 1] }, width, height, pixels);
      tensor.forEach((value, at) => {
        assert.ok(Math.abs(value * 255 - colour[at % 3]!) < 1e-4, `${value * 255} for ${colour[at % 3]}`);
      });
    }
  });

  test("pads with the mean colour, which is nought, also after a photo that filled the slot", () => {
    const resampler = createResampler({ ...base, resize: "pad", layout: "NHWC" }, 1);
    noise(12, 12).copy(resampler.room({ width: 12, height: 12 }));
    resampler.resample(0);
    noise(12, 4).copy(resampler.room({ width: 12, height: 4 }));
    resampler.resample(0);
    const rows = Array.from({ length: 12 }, (_, row) => resampler.tensor(1).slice(row * 36, row * 36 + 36));
    rows.forEach((row, index) => {
      assert.equal(
        row.every((value) => value === 0),
        index < 4 || index >= 8,
        `row ${index}`,
      );
    });
  });

  test("writes each slot apart, and gives the same bits whatever came before", () => {
    const resampler = createResampler(base, 3);
    const photos = [noise(40, 53, 1), noise(300, 20, 2), noise(40, 53, 3)];
    const widths = [40, 300, 40];
    photos.forEach((photo, slot) => {
      const width = widths[slot]!;
      photo.copy(resampler.room({ width, height: photo.length / 3 / width }));
      resampler.resample(slot);
    });
    const all = resampler.tensor(3);
    photos.forEach((photo, slot) => {
      const width = widths[slot]!;
      const alone = resampled(base, width, photo.length / 3 / width, photo);
      assert.deepEqual(all.slice(slot * 432, slot * 432 + 432), alone);
    });
  });
});

test("the committed kernel is the compiled kernels/resample.ts", async (context) => {
  const compiler = path.join(packageRoot(), "kernels", "compile.mjs");
  let compileKernel: (name: string) => Promise<string>;
  try {
    ({ compileKernel } = (await import(pathToFileURL(compiler).href)) as {
      compileKernel: (name: string) => Promise<string>;
    });
  } catch (error) {
    return context.skip(`the AssemblyScript compiler is not installed (${(error as Error).message})`);
  }
  const committed = path.join(packageRoot(), "src", "embedding", "resample-kernel.wasm.ts");
  assert.equal(readFileSync(committed, "utf8"), await compileKernel("resample"));
});

describe("the version of preprocessing", () => {
  test("is that of what comes out", () => {
    const facts = (["squash", "crop", "pad"] as const).map((resize) =>
      resampled({ ...base, size: 24, resize }, 61, 47, noise(61, 47)),
    );
    const digest = createHash("sha256");
    for (const tensor of facts) digest.update(new Uint8Array(tensor.buffer));
    assert.deepEqual(
      [PREPROCESSING_VERSION, digest.digest("hex")],
      [1, "17a6ae7e81a3313603c95445851d5aede3b615e3d94c270c6d02a2ec49395018"],
      "Photos give other numbers than before: raise PREPROCESSING_VERSION, and put the new digest here.",
    );
  });
});
