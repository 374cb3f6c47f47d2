import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  fitHalfWhitening,
  fitReduction,
  joinVectors,
  projectVectors,
  VectorsUnusable,
} from "../../src/learning/whitening/index.js";
import { leadingAxes } from "../../src/learning/whitening/leading-axes.js";
import { createMatrixProducts } from "../../src/learning/whitening/matrix-products.js";
import { jacobi } from "../support/jacobi.js";

/** Rows whose axes have clearly different lengths, turned by mixing, around a mean that is not zero. */
function sample(count: number, width: number, seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  const draw = () => uniformFloat64(random) + uniformFloat64(random) + uniformFloat64(random) - 1.5;
  const mixing = Float64Array.from({ length: width * width }, draw);
  const rows = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const parts = Float64Array.from({ length: width }, (_, axis) => draw() / (1 + axis));
    for (let column = 0; column < width; column++) {
      let value = column / 10;
      for (let axis = 0; axis < width; axis++) value += parts[axis]! * mixing[axis * width + column]!;
      rows[row * width + column] = value;
    }
  }
  return rows;
}

/** Without the mean that `sample` adds. */
function centred(rows: Float32Array, width: number): Float32Array {
  return rows.map((value, index) => value - (index % width) / 10);
}

function momentsOf(rows: Float32Array, count: number, width: number) {
  const mean = Array.from({ length: width }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += rows[row * width + column]!;
    return sum / count;
  });
  const covariance = Array.from({ length: width }, (_, a) =>
    Array.from({ length: width }, (_, b) => {
      let sum = 0;
      for (let row = 0; row < count; row++) {
        sum += (rows[row * width + a]! - mean[a]!) * (rows[row * width + b]! - mean[b]!);
      }
      return sum / (count - 1);
    }),
  );
  return { mean, covariance };
}

/** (x − mean) · projection, by plain loops and not made unit. */
function projected(rows: Float32Array, count: number, fit: Awaited<ReturnType<typeof fitHalfWhitening>>) {
  const { mean, projection, width, dims } = fit;
  return Float32Array.from({ length: count * dims }, (_, index) => {
    const row = Math.floor(index / dims);
    let sum = 0;
    for (let column = 0; column < width; column++) {
      sum += (rows[row * width + column]! - mean[column]!) * projection[column * dims + (index % dims)]!;
    }
    return sum;
  });
}

function near(actual: number, expected: number, relative: number, what: string) {
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${what}: ${actual}, not ${expected}`);
}

describe("half-whitening", () => {
  for (const [name, count, width] of [
    ["more photos than features", 200, 12],
    ["fewer photos than features", 9, 24],
  ] as const) {
    it(`finds the axes of an exact decomposition: ${name}`, async () => {
      const rows = sample(count, width, 3);
      const dims = Math.min(6, count - 1);
      const fit = await fitHalfWhitening(rows, count, width, dims);
      const { mean, covariance } = momentsOf(rows, count, width);
      const exact = jacobi(covariance);
      assert.equal(fit.dims, dims);
      for (const [column, value] of mean.entries()) assert.ok(Math.abs(fit.mean[column]! - value) < 1e-5);
      for (let axis = 0; axis < dims; axis++) {
        const { value, vector } = exact[axis]!;
        near(fit.variances[axis]!, value, 1e-4, `variance ${axis}`);
        let cosine = 0;
        for (let column = 0; column < width; column++) {
          cosine += fit.projection[column * dims + axis]! * value ** 0.25 * vector[column]!;
        }
        near(Math.abs(cosine), 1, 1e-4, `axis ${axis}`);
      }
    });
  }

  it("leaves the square root of each variance, and no correlation", async () => {
    const [count, width, dims] = [300, 10, 10];
    const rows = sample(count, width, 5);
    const fit = await fitHalfWhitening(rows, count, width, dims);
    const { covariance } = momentsOf(projected(rows, count, fit), count, dims);
    for (let a = 0; a < dims; a++) {
      near(covariance[a]![a]!, Math.sqrt(fit.variances[a]!), 1e-3, `axis ${a}`);
      for (let b = 0; b < a; b++) assert.ok(Math.abs(covariance[a]![b]!) < 1e-3 * covariance[b]![b]!);
    }
  });

  it("keeps no more axes than photos span", async () => {
    const rows = sample(5, 16, 2);
    assert.equal((await fitHalfWhitening(rows, 5, 16, 16)).dims, 4);
    const doubled = Float32Array.from([...rows, ...rows]);
    assert.equal((await fitHalfWhitening(doubled, 10, 16, 16)).dims, 4);
  });

  it("gives the same for the same seed, also by iteration", async () => {
    const [count, width] = [700, 640];
    const rows = sample(count, width, 8);
    const first = await fitHalfWhitening(rows, count, width, 20, { seed: 4 });
    const second = await fitHalfWhitening(rows, count, width, 20, { seed: 4 });
    assert.deepEqual(second.projection, first.projection);
  });

  it("projects as plain arithmetic does, and gives unit vectors", async () => {
    const [count, width, dims] = [50, 14, 5];
    const rows = sample(count, width, 6);
    const fit = await fitHalfWhitening(rows, count, width, dims);
    const expected = projected(rows, count, fit);
    const vectors = await projectVectors(rows, count, fit);
    for (let row = 0; row < count; row++) {
      const length = Math.hypot(...expected.subarray(row * dims, (row + 1) * dims));
      for (let axis = 0; axis < dims; axis++) {
        assert.ok(Math.abs(vectors[row * dims + axis]! - expected[row * dims + axis]! / length) < 1e-5);
      }
    }
  });

  const rows = sample(6, 4, 1);
  const damaged = rows.slice();
  damaged[13] = Number.NaN;
  for (const [name, fit, says] of [
    ["one photo", () => fitHalfWhitening(rows.slice(0, 4), 1, 4, 2), /at least 2 photos; 1 given/],
    ["more dimensions than features", () => fitHalfWhitening(rows, 6, 4, 5), /5 dimensions cannot be kept of 4/],
    ["half a dimension", () => fitHalfWhitening(rows, 6, 4, 0.5), /cannot be kept/],
    ["features that are no numbers", () => fitHalfWhitening(damaged, 6, 4, 2), /photo 3 .* infinite or none/],
    ["photos that are all equal", () => fitHalfWhitening(new Float32Array(24).fill(0.5), 6, 4, 2), /same vector/],
    ["a wrong count", () => fitHalfWhitening(rows, 7, 4, 2), /24 numbers were given/],
  ] as const) {
    it(`refuses ${name}`, () => {
      return assert.rejects(fit, (error) => {
        assert.ok(error instanceof VectorsUnusable && error.code === "VECTORS_UNUSABLE");
        assert.match(error.message, says);
        return true;
      });
    });
  }
});

describe("a reduction", () => {
  it("keeps dot products where vectors lie in fewer dimensions", async () => {
    const [count, width, inside] = [40, 12, 3];
    const base = sample(inside, width, 9);
    const weights = sample(count, inside, 10);
    const rows = new Float32Array(count * width);
    for (let index = 0; index < rows.length; index++) {
      for (let part = 0; part < inside; part++) {
        rows[index]! += weights[Math.floor(index / width) * inside + part]! * base[part * width + (index % width)]!;
      }
    }
    const fit = await fitReduction(rows, count, width, 5);
    assert.equal(fit.dims, inside);
    const reduced = projected(rows, count, fit);
    const dot = (data: Float32Array, length: number, a: number, b: number) => {
      let sum = 0;
      for (let index = 0; index < length; index++) sum += data[a * length + index]! * data[b * length + index]!;
      return sum;
    };
    for (let b = 0; b < count; b++) {
      assert.ok(Math.abs(dot(reduced, fit.dims, 0, b) - dot(rows, width, 0, b)) < 1e-3);
    }
  });
});

describe("leading axes", () => {
  it("agree with the exact decomposition when found by iteration", async () => {
    const side = 600;
    const rows = centred(sample(side, side, 12), side);
    const products = createMatrixProducts();
    const matrix = await products.multiply(
      { data: rows, rows: side, columns: side },
      { data: rows, rows: side, columns: side },
      { a: true },
    );
    const { values, vectors } = await leadingAxes(matrix, 10, 1, products);
    // Residual ‖A v − λ v‖ ≤ ε proves an eigenpair; orthonormal ones of a positive matrix that catch the trace are the leading ones.
    const image = await products.multiply(vectors, matrix);
    assert.equal(values.length, 10);
    for (let axis = 0; axis < 10; axis++) {
      let residual = 0;
      let length = 0;
      for (let at = axis * side; at < (axis + 1) * side; at++) {
        residual += (image.data[at]! - values[axis]! * vectors.data[at]!) ** 2;
        length += vectors.data[at]! ** 2;
      }
      near(length, 1, 1e-3, `length ${axis}`);
      assert.ok(Math.sqrt(residual) < 0.05 * values[axis]!, `axis ${axis}: ${Math.sqrt(residual)} of ${values[axis]}`);
    }
    const other = await leadingAxes(matrix, 10, 99, products);
    for (let axis = 0; axis < 10; axis++)
      near(other.values[axis]!, values[axis]!, 2e-3, `value ${axis} of another seed`);
    await products.close();
  });
});

describe("joined vectors", () => {
  it("have the cosines of both, averaged by share", () => {
    const first = { data: Float32Array.from([1, 0, 0.6, 0.8]), dims: 2 };
    const second = { data: Float32Array.from([0, 1, 0, 0.8, 0, 0.6]), dims: 3 };
    const joined = joinVectors(first, second, 0.7);
    const dot = [...Array(5).keys()].reduce((sum, index) => sum + joined[index]! * joined[5 + index]!, 0);
    assert.ok(Math.abs(dot - (0.7 * 0.6 + 0.3 * 0)) < 1e-6);
    assert.ok(Math.abs(Math.hypot(...joined.subarray(0, 5)) - 1) < 1e-6);
  });
});
