/** Scans of a JPEG that are decoded at once; more than a few dozen is a file made to keep a decoder busy. */
const MAX_SCANS = 32;
const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const EXIF = "Exif\0\0";
const ORIENTATION = 0x0112;

export interface JpegSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The size of a JPEG that shows its pixels as they are stored: 8 bits, grey or YCbCr, upright, without a colour
 * profile. Undefined for every other file, which only the general decoder shows right.
 * Follows ITU T.81 annex B, and Exif 2.3 section 4.6 for the orientation.
 */
export function plainJpegSize(bytes: Buffer): JpegSize | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  let size: JpegSize | undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0xda) return size !== undefined && scansFrom(bytes, at) <= MAX_SCANS ? size : undefined;
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) return undefined;
    const body = bytes.subarray(at + 4, end);
    if (marker >= 0xc0 && marker <= 0xc2) {
      size = frameSize(body);
      if (size === undefined) return undefined;
    } else if (marker === 0xe2 && body.toString("latin1", 0, 11) === "ICC_PROFILE") return undefined;
    else if (marker === 0xe1 && body.toString("latin1", 0, 6) === EXIF && isTurned(body.subarray(6))) return undefined;
    // An Adobe segment can say that three components are RGB already.
    else if (marker === 0xee && body.toString("latin1", 0, 5) === "Adobe" && body[11] !== 1) return undefined;
    at = end;
  }
  return undefined;
}

function frameSize(frame: Buffer): JpegSize | undefined {
  if (frame.length < 6 || frame[0] !== 8) return undefined;
  const components = frame[5]!;
  const size = { height: frame.readUInt16BE(1), width: frame.readUInt16BE(3) };
  return (components === 1 || components === 3) && size.width > 0 && size.height > 0 ? size : undefined;
}

function scansFrom(bytes: Buffer, start: number): number {
  let scans = 0;
  for (let at = start; at !== -1 && scans <= MAX_SCANS; at = bytes.indexOf(START_OF_SCAN, at + 2)) scans += 1;
  return scans;
}

/** Whether the first directory of an Exif block asks for a turn; a block that cannot be read counts as one that does. */
function isTurned(tiff: Buffer): boolean {
  if (tiff.length < 8) return true;
  const little = tiff.toString("latin1", 0, 2) === "II";
  const short = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return true;
  const entries = short(directory);
  if (directory + 2 + entries * 12 > tiff.length) return true;
  for (let entry = directory + 2; entry < directory + 2 + entries * 12; entry += 12) {
    if (short(entry) === ORIENTATION) return short(entry + 8) > 1;
  }
  return false;
}
