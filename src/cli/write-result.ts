import { writeFile } from "node:fs/promises";
import { LookalikeError, messageOf } from "../errors.js";

/** A file that a person asked for cannot be written where they said. */
export class ResultNotWritten extends LookalikeError {
  readonly code = "RESULT_NOT_WRITTEN";

  constructor(file: string, cause: unknown) {
    super(
      `${file} cannot be written: ${messageOf(cause)}. Give another path, in a folder that is there and has room.`,
      {
        cause,
      },
    );
  }
}

/** Writes the file that a command was asked for. @throws ResultNotWritten */
export async function writeResult(file: string, bytes: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (error) {
    throw new ResultNotWritten(file, error);
  }
}
