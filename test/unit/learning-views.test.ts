import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flipInput, moveColours } from "../../src/learning/views/colour-and-flip.js";
import { drawView, usualAugmentation } from "../../src/learning/views/draw-view.js";
import { floatsFromHalf } from "../../src/learning/views/floats-from-half.js";
import { createViewMaker } from "../../src/learning/views/view-maker.js";
import { numberFromFloat16 } from "../../src/onnx/number-formats.js";
import { gradient } from "../support/photos-samples.js";

const plain = {
  size: 16,
  resize: "squash",
  layout: "NCHW",
  mean: [0, 0, 0],
  std: [1, 1, 1],
} as const;

async function viewsOf(
  preprocessing: Parameters<typeof createViewMaker>[0]["preprocessing"],
  seed: number,
  views: number[],
) {
  const maker = createViewMaker({ preprocessing, maxPixels: 1e6, augmentation: usualAugmentation });
  const photo = await gradient(64).png().toBuffer();
  const inputs: Float32Array[] = [];
  await maker.each({ photo, seed, views }, async (input) => void inputs.push(input.slice()));
  return inputs;
}

describe("drawing views", () => {
  it("keeps area, ratio and colours within the settings, and mirrors about every second view", () => {
    let flips = 0;
    for (let number = 1; number <= 400; number++) {
      for (const aspect of [0.6, 1, 2]) {
        const { left, top, width, height, flip, ...colours } = drawView(usualAugmentation, 7, number, aspect);
        const area = width * height;
        assert.ok(area >= 0.5 - 1e-9 && area <= 1 + 1e-9, `area ${area}`);
        const ratio = (width * aspect) / height;
        const whole = width === 1 && height === 1;
        assert.ok(whole || (ratio >= 3 / 4 - 1e-9 && ratio <= 4 / 3 + 1e-9), `ratio ${ratio}`);
        assert.ok(left >= 0 && top >= 0 && left + width <= 1 + 1e-9 && top + height <= 1 + 1e-9);
        for (const factor of Object.values(colours)) assert.ok(factor >= 0.8 && factor <= 1.2);
        if (aspect === 1) flips += Number(flip);
      }
    }
    assert.ok(flips > 150 && flips < 250, `${flips} of 400 mirrored`);
  });

  it("gives the same view for the same seed and number, and others for others", () => {
    const view = (seed: number, number: number) => drawView(usualAugmentation, seed, number, 1);
    assert.deepEqual(view(3, 5), view(3, 5));
    assert.notDeepEqual(view(3, 5), view(4, 5));
    assert.notDeepEqual(view(3, 5), view(3, 6));
  });
});

describe("preparing views", () => {
  it("shows view 0 as serving does, without crop, flip or jitter", async () => {
    const [input] = await viewsOf(plain, 1, [0]);
    assert.ok(input);
    // Red grows to the right: the resampled gradient, at places of 64 / 16 = 4 pixels.
    for (let x = 1; x < 16; x++) assert.ok(input[x]! > input[x - 1]!);
    assert.ok(Math.abs(input[0]! - 6 / 255) < 0.02, `${input[0]}`);
  });

  it("cuts, mirrors and moves colours as the drawn view says", async () => {
    for (const number of [1, 2, 3, 4, 5, 6]) {
      const view = drawView(usualAugmentation, 9, number, 1);
      const inputs = await viewsOf(plain, 9, [number]);
      const input = inputs[0]!;
      const rising = input[8]! > input[7]!;
      assert.equal(rising, !view.flip, `view ${number}`);
      const again = await viewsOf(plain, 9, [0, number]);
      assert.deepEqual(again[1], input, "a view does not depend on those before it");
    }
  });

  it("gives the same picture in either layout", async () => {
    const [first] = await viewsOf(plain, 4, [2]);
    const [second] = await viewsOf({ ...plain, layout: "NHWC" }, 4, [2]);
    assert.ok(first && second);
    for (let place = 0; place < 256; place++) {
      for (let channel = 0; channel < 3; channel++) {
        assert.ok(Math.abs(first[channel * 256 + place]! - second[place * 3 + channel]!) < 1e-5);
      }
    }
  });
});

describe("colours", () => {
  const photo = () => Float32Array.of(0.2, 0.6, 0.4, 0.4, 0.1, 0.3);
  const settings = { ...plain, size: 1, layout: "NHWC" } as const;
  const still = { brightness: 1, contrast: 1, saturation: 1 };

  it("stay as they are at factors of one", () => {
    const input = photo();
    moveColours(input, settings, still);
    for (const [at, value] of photo().entries()) assert.ok(Math.abs(input[at]! - value) < 1e-6);
  });

  it("become grey without saturation, and darker with less brightness", () => {
    const grey = photo();
    moveColours(grey, settings, { ...still, saturation: 0 });
    assert.ok(Math.abs(grey[0]! - grey[1]!) < 1e-6 && Math.abs(grey[1]! - grey[2]!) < 1e-6);
    const dark = photo();
    moveColours(dark, settings, { ...still, brightness: 0.5 });
    for (const [at, value] of photo().entries()) assert.ok(Math.abs(dark[at]! - value / 2) < 1e-6);
  });

  it("keep their hue: which channel is largest, and where the middle one lies between", () => {
    const hue = (r: number, g: number, b: number) => {
      const sorted = [r, g, b].sort((left, right) => left - right) as [number, number, number];
      return [r, g, b].map((value) => (value - sorted[0]) / (sorted[2] - sorted[0]));
    };
    const input = photo();
    moveColours(input, settings, { brightness: 0.9, contrast: 1.1, saturation: 0.8 });
    const before = hue(...([...photo().subarray(0, 3)] as [number, number, number]));
    const after = hue(...([...input.subarray(0, 3)] as [number, number, number]));
    for (const [at, value] of before.entries()) assert.ok(Math.abs(after[at]! - value) < 1e-4);
  });

  it("mirroring twice changes nothing", () => {
    for (const layout of ["NCHW", "NHWC"] as const) {
      const input = Float32Array.from({ length: 3 * 25 }, (_, at) => at);
      flipInput(input, { size: 5, layout });
      assert.notEqual(input[0], 0);
      flipInput(input, { size: 5, layout });
      assert.deepEqual(
        input,
        Float32Array.from({ length: 3 * 25 }, (_, at) => at),
      );
    }
  });
});

describe("half precision", () => {
  it("reads every number as the exact converter does", () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, index) => index);
    const numbers = new Float32Array(65_536);
    floatsFromHalf(bits, numbers, 0);
    for (const [index, value] of numbers.entries()) assert.ok(Object.is(value, Math.fround(numberFromFloat16(index))));
  });
});
