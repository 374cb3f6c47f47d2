import type { GraphBuilder, Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";

/** Rows (0) or columns (1) of an image. */
export type PlaceAxis = 0 | 1;

/** An image in blocks as [before, places, behind], places along one axis; whole blocks lie behind. */
export function alongPlaces(g: GraphBuilder, image: Value, axis: PlaceAxis, block: number): Value {
  const [n = 1, channels = 1, rows = 1, columns = 1] = shapeOf(image);
  const blocks = (n * channels) / block;
  return g.reshape(image, axis === 0 ? [blocks, rows, columns * block] : [blocks * rows, columns, block]);
}

/** Moves places by `shift` and gives them `size` places: cut or filled at either end. */
export function shifted(g: GraphBuilder, x: Value, shift: number, size: number, fill = 0): Value {
  const [, places = 1] = shapeOf(x);
  const behind = size - places - shift;
  return shift === 0 && behind === 0 ? x : g.pad(x, [0, shift, 0, 0, behind, 0], fill);
}

/** Places 0, s, 2 s, … from the first image, 1, s + 1, … from the second, and so on; `size` places of them. */
export function interleaved(g: GraphBuilder, phases: readonly Value[], size: number): Value {
  const [first] = phases;
  const [before = 1, places = 1, behind = 1] = first ? shapeOf(first) : [];
  const rows = phases.map((phase) => g.reshape(phase, [before * places, behind]));
  const joined = rows.length === 1 ? (rows[0] as Value) : g.concat(rows, 1);
  const step = phases.length;
  return shifted(g, g.reshape(joined, [before, places * step, behind]), 0, size);
}
