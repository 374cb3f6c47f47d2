import { mapSize } from "../dimensions.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** Resize (version 11 and later): by `sizes`, or by `scales`, for all axes or the axes named. */
export const resize: ShapeRule = (call) => {
  const shape = call.shape(0);
  const axes = (call.ints("axes") ?? [...shape.keys()]).map((axis) => call.axis(axis, shape.length));
  const sizes = [...shape];
  // An empty tensor stands for an input left out: exporters of version 11 wrote it so.
  const wanted = call.has(3) ? call.numbers(3) : [];
  if (wanted.length > 0) {
    if ((call.text("keep_aspect_ratio_policy") ?? "stretch") !== "stretch") call.fail("it keeps the aspect ratio");
    axes.forEach((axis, index) => {
      sizes[axis] = wanted[index] ?? call.fail(`${wanted.length} sizes are given for ${axes.length} axes`);
    });
  } else {
    const scales = call.numbers(2);
    axes.forEach((axis, index) => {
      const scale = scales[index] ?? call.fail(`${scales.length} scales are given for ${axes.length} axes`);
      if (scale !== 1) sizes[axis] = mapSize(sizes[axis] ?? 1, (size) => Math.floor(size * scale), `scaled ${scale} `);
    });
  }
  return [{ elementType: call.elementType(0), shape: sizes }];
};

/** DepthToSpace: blocks of channels become pixels. */
export const depthToSpace: ShapeRule = (call) => {
  const [batch, channels, height, width] = call.shape(0);
  const block = call.int("blocksize") ?? call.fail("it has no blocksize");
  if (batch === undefined || channels === undefined || height === undefined || width === undefined) {
    return call.fail("its image does not have four axes");
  }
  const grow = (size: typeof batch) => mapSize(size, (known) => known * block, "grown");
  const shape = [batch, mapSize(channels, (known) => known / block ** 2, "shrunk"), grow(height), grow(width)];
  return [{ elementType: call.elementType(0), shape }];
};

/** SpaceToDepth: blocks of pixels become channels. */
export const spaceToDepth: ShapeRule = (call) => {
  const [batch, channels, height, width] = call.shape(0);
  const block = call.int("blocksize") ?? call.fail("it has no blocksize");
  if (batch === undefined || channels === undefined || height === undefined || width === undefined) {
    return call.fail("its image does not have four axes");
  }
  const shrink = (size: typeof batch) => mapSize(size, (known) => known / block, "shrunk");
  const shape = [batch, mapSize(channels, (known) => known * block ** 2, "grown"), shrink(height), shrink(width)];
  return [{ elementType: call.elementType(0), shape }];
};
