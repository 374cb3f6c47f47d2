import type { Preprocessing } from "../encoders/encoder.type.js";

/** A stretch of the photo, in its pixels, and where it lands in the input, in the input's pixels. */
export interface AxisPlacement {
  readonly start: number;
  readonly length: number;
  readonly to: number;
  readonly outputs: number;
}

export interface Placement {
  readonly columns: AxisPlacement;
  readonly rows: AxisPlacement;
}

export interface PhotoSize {
  readonly width: number;
  readonly height: number;
}

/** Where a photo of this size lands in the square input, by the manifest's way to resize. */
export function placePhoto(
  width: number,
  height: number,
  { size, resize }: Pick<Preprocessing, "size" | "resize">,
): Placement {
  switch (resize) {
    case "squash":
      return {
        columns: { start: 0, length: width, to: 0, outputs: size },
        rows: { start: 0, length: height, to: 0, outputs: size },
      };
    case "crop": {
      const side = Math.min(width, height);
      return {
        columns: { start: (width - side) / 2, length: side, to: 0, outputs: size },
        rows: { start: (height - side) / 2, length: side, to: 0, outputs: size },
      };
    }
    case "pad":
      return {
        columns: centred(width, Math.max(width, height), size),
        rows: centred(height, Math.max(width, height), size),
      };
  }
}

/**
 * The same place in a copy of the photo that was shrunk on the way, each side on its own.
 */
export function placeShrunk(shown: PhotoSize, shrunk: PhotoSize, preprocessing: Preprocessing): Placement {
  const { columns, rows } = placePhoto(shown.width, shown.height, preprocessing);
  return {
    columns: scaled(columns, shrunk.width / shown.width),
    rows: scaled(rows, shrunk.height / shown.height),
  };
}

function scaled({ start, length, to, outputs }: AxisPlacement, factor: number): AxisPlacement {
  return { start: start * factor, length: length * factor, to, outputs };
}

function centred(length: number, longest: number, size: number): AxisPlacement {
  const outputs = Math.max(1, Math.round((length / longest) * size));
  return { start: 0, length, to: Math.floor((size - outputs) / 2), outputs };
}
