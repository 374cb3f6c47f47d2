import { LookalikeError, messageOf } from "../errors.js";

/** The store does not hold this file. */
export class ArtefactMissing extends LookalikeError {
  readonly code = "ARTEFACT_MISSING";

  constructor(readonly key: string) {
    super(
      `${key} is not in the artefact store. Give every process the same data folder or bucket (LOOKALIKE_DATA, ` +
        "LOOKALIKE_BLOB_STORE), or put the file back from a backup.",
    );
  }
}

/** The store holds other bytes than were written. */
export class ArtefactDamaged extends LookalikeError {
  readonly code = "ARTEFACT_DAMAGED";

  constructor(
    readonly key: string,
    wanted: string,
    found: string,
  ) {
    super(
      `${key} was changed in the artefact store or cut by a crash (SHA-256 ${found}, ${wanted} was written). ` +
        "Put the file back from a backup, or train again.",
    );
  }
}

/** The disk is full, or the store takes nothing for another reason. What was there before is untouched. */
export class ArtefactNotWritten extends LookalikeError {
  readonly code = "ARTEFACT_NOT_WRITTEN";

  constructor(
    readonly key: string,
    bytes: number,
    cause: unknown,
  ) {
    const full = FULL.has((cause as NodeJS.ErrnoException).code ?? "");
    const size = `${Math.max(1, Math.ceil(bytes / 1024 / 1024))} MB`;
    super(
      full
        ? `${key} (${size}) was not written: the disk is full. Free space and try again; nothing was lost.`
        : `${key} (${size}) was not written: ${messageOf(cause)}. Correct that and try again; nothing was lost.`,
      { cause },
    );
  }
}

const FULL = new Set(["ENOSPC", "EDQUOT"]);
