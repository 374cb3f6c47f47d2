import { attribute } from "./attributes.js";
import type { Attribute } from "./graph.type.js";

export interface ConvSettings {
  readonly strides?: readonly number[];
  /** Before each spatial axis, then after each. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
  readonly autoPad?: "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";
  readonly name?: string;
}

export interface PoolSettings extends Omit<ConvSettings, "group"> {
  readonly kernel: readonly number[];
  readonly ceil?: boolean;
  readonly countPadding?: boolean;
}

/** Attributes that convolutions and pools share. */
export function windowAttributes(
  settings: Omit<ConvSettings, "group" | "name">,
): Record<string, Attribute | undefined> {
  const { strides, pads, dilations, autoPad } = settings;
  return {
    strides: strides && attribute.ints(strides),
    pads: pads && attribute.ints(pads),
    dilations: dilations && attribute.ints(dilations),
    auto_pad: autoPad && attribute.text(autoPad),
  };
}

/** Attributes of pools. */
export function poolAttributes(settings: PoolSettings): Record<string, Attribute | undefined> {
  return {
    ...windowAttributes(settings),
    kernel_shape: attribute.ints(settings.kernel),
    ceil_mode: attribute.flag(settings.ceil ?? false),
  };
}
