import { LookalikeError } from "../errors.js";

/** No encoder of that name is installed or known. */
export class EncoderUnknown extends LookalikeError {
  readonly code = "ENCODER_UNKNOWN";

  constructor(
    readonly encoder: string,
    /** Names that would have worked, and those that can be pulled. */
    known: { readonly installed: readonly string[]; readonly available: readonly string[] },
  ) {
    const pull = known.available.includes(encoder)
      ? `It is known but not installed: run \`lookalike encoder pull ${encoder}\`.`
      : `Installed: ${known.installed.join(", ") || "none"}. ` +
        `To pull with \`lookalike encoder pull NAME\`: ${known.available.join(", ") || "none"}. ` +
        "Your own file: `lookalike encoder add FILE.onnx`.";
    super(`There is no encoder "${encoder}". ${pull}`);
  }
}

/** An encoder's manifest or weights cannot be used as they are. */
export class EncoderBroken extends LookalikeError {
  readonly code = "ENCODER_BROKEN";
}

/** The npm package that carries the default encoder's weights is absent or is another version. */
export class EncoderSourceMissing extends LookalikeError {
  readonly code = "ENCODER_SOURCE_MISSING";
}

/** A file given to `encoder add` that cannot become an encoder. */
export class EncoderRefused extends LookalikeError {
  readonly code = "ENCODER_REFUSED";
}

/** The hub could not be reached at all. */
export class HubOffline extends LookalikeError {
  readonly code = "HUB_OFFLINE";
}

/** The hub answered, but not with the file that was asked for. */
export class HubRefused extends LookalikeError {
  readonly code = "HUB_REFUSED";

  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** What was downloaded is not what the hub or the lock file says it must be. */
export class DownloadCorrupt extends LookalikeError {
  readonly code = "DOWNLOAD_CORRUPT";
}
