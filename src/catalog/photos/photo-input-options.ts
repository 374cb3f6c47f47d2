import type { Sharp, SharpOptions } from "sharp";
import type { Config } from "../../config.js";

/**
 * How every photo of unknown origin is opened: `sharp(bytes, safeImageOptions(config))`. At most `maxPixels`, damage is
 * an error and not a grey area, rows are read as they are needed, the first frame only, turned as EXIF says.
 */
export function safeImageOptions(config: Pick<Config, "maxPixels">): SharpOptions {
  return {
    limitInputPixels: config.maxPixels,
    failOn: "error",
    sequentialRead: true,
    page: 0,
    pages: 1,
    autoOrient: true,
  };
}

/**
 * Makes 8-bit sRGB of whatever was opened, three bands: ICC profiles and CMYK converted, 16 bits reduced, grey spread,
 * transparency on white as shops show it. The order of the call among others does not matter to sharp.
 */
export function toOpaqueSrgb(image: Sharp): Sharp {
  return image.flatten({ background: "#ffffff" }).toColourspace("srgb");
}
