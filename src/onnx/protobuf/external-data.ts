import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { messageOf } from "../../errors.js";
import { ExternalDataUnavailable, OnnxModelTooLarge } from "../onnx.errors.js";
import type { TensorProto } from "./onnx_pb.js";

/** A single read ends below 2 GiB, and so does a tensor. */
export const largestTensorBytes = 2 ** 31 - 1;

/** Where the bytes of tensors outside the model come from. */
export interface ExternalData {
  /** @throws ExternalDataUnavailable */
  bytesOf(tensor: TensorProto, expectedBytes: number): Uint8Array;
}

/** For models that come as bytes alone. */
export const noExternalData: ExternalData = {
  bytesOf(tensor) {
    throw new ExternalDataUnavailable(
      tensor.name,
      locationOf(tensor).location,
      "the model was given without its folder",
    );
  },
};

/**
 * Reads external tensors from the folder of a model. Locations come from the file, so they are not trusted: absolute
 * ones, ones that climb out of the folder and symbolic links that lead out of it are refused.
 */
export function externalDataBeside(modelPath: string): ExternalData {
  const folder = dirname(resolve(modelPath));
  return {
    bytesOf(tensor, expectedBytes) {
      const { location, offset, length } = locationOf(tensor);
      const fail = (reason: string, cause?: unknown): never => {
        throw new ExternalDataUnavailable(tensor.name, location, reason, { cause });
      };
      if (location === "") fail("no file is named");
      if (isAbsolute(location) || leavesFolder(folder, resolve(folder, location))) fail("it lies outside the folder");
      if (length !== undefined && length !== expectedBytes) {
        fail(`${length} bytes are announced where ${expectedBytes} are needed`);
      }
      if (!Number.isSafeInteger(offset) || offset < 0) fail("its offset is not a position in a file");
      if (expectedBytes > largestTensorBytes) throw new OnnxModelTooLarge(`The tensor "${tensor.name}"`, expectedBytes);
      let path = "";
      try {
        path = realpathSync(resolve(folder, location));
      } catch (error) {
        fail(messageOf(error), error);
      }
      if (leavesFolder(realpathSync(folder), path)) fail("it is a link to a file outside the folder");
      return readSlice(path, offset, expectedBytes, fail);
    },
  };
}

function readSlice(
  path: string,
  offset: number,
  length: number,
  fail: (reason: string, cause?: unknown) => never,
): Uint8Array {
  const bytes = new Uint8Array(length);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return fail(messageOf(error), error);
  }
  let done = 0;
  try {
    while (done < length) {
      const read = readSync(file, bytes, done, length - done, offset + done);
      if (read === 0) break;
      done += read;
    }
  } catch (error) {
    fail(messageOf(error), error);
  } finally {
    closeSync(file);
  }
  if (done < length) fail(`it ends at byte ${offset + done}, ${length - done} bytes too early`);
  return bytes;
}

function locationOf(tensor: TensorProto): { location: string; offset: number; length: number | undefined } {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const length = entries.get("length");
  return {
    location: entries.get("location") ?? "",
    offset: Number(entries.get("offset") ?? 0),
    length: length === undefined ? undefined : Number(length),
  };
}

function leavesFolder(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
}
