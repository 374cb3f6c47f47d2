import type { Preprocessing } from "../../encoders/encoder.type.js";
import type { View } from "./view.type.js";

/** Mirrors a prepared photo left to right, in place. */
export function flipInput(input: Float32Array, { size, layout }: Pick<Preprocessing, "size" | "layout">): void {
  const channels = layout === "NCHW" ? 1 : 3;
  const row = size * channels;
  for (let start = 0; start < input.length; start += row) {
    for (let left = 0, right = row - channels; left < right; left += channels, right -= channels) {
      for (let channel = 0; channel < channels; channel++) {
        const kept = input[start + left + channel]!;
        input[start + left + channel] = input[start + right + channel]!;
        input[start + right + channel] = kept;
      }
    }
  }
}

/** Weights of red, green and blue in brightness, ITU-R BT.601, as PIL and torchvision have them. */
const GREY = [0.299, 0.587, 0.114] as const;

/**
 * Moves brightness, contrast (around the mean grey) and saturation (towards each place's own grey) of a prepared photo,
 * in this order, in place. Between the steps colours are held within what a photo can show.
 */
export function moveColours(
  input: Float32Array,
  { layout, mean, std }: Preprocessing,
  { brightness, contrast, saturation }: Pick<View, "brightness" | "contrast" | "saturation">,
): void {
  const places = input.length / 3;
  const [step, red, green, blue] = layout === "NCHW" ? [1, 0, places, 2 * places] : [3, 0, 1, 2];
  let sum = 0;
  for (let place = 0; place < places; place++) {
    const at = place * step;
    const r = held((input[at + red]! * std[0] + mean[0]) * brightness);
    const g = held((input[at + green]! * std[1] + mean[1]) * brightness);
    const b = held((input[at + blue]! * std[2] + mean[2]) * brightness);
    sum += GREY[0] * r + GREY[1] * g + GREY[2] * b;
    input[at + red] = r;
    input[at + green] = g;
    input[at + blue] = b;
  }
  const shift = (sum / places) * (1 - contrast);
  for (let place = 0; place < places; place++) {
    const at = place * step;
    const r = held(input[at + red]! * contrast + shift);
    const g = held(input[at + green]! * contrast + shift);
    const b = held(input[at + blue]! * contrast + shift);
    const grey = (GREY[0] * r + GREY[1] * g + GREY[2] * b) * (1 - saturation);
    input[at + red] = (held(r * saturation + grey) - mean[0]) / std[0];
    input[at + green] = (held(g * saturation + grey) - mean[1]) / std[1];
    input[at + blue] = (held(b * saturation + grey) - mean[2]) / std[2];
  }
}

function held(value: number): number {
  return Math.min(1, Math.max(0, value));
}
