/**
 * The root of every error that this program raises on purpose. `code` is part of the public contract (GraphQL
 * `extensions.code`, `userErrors.code`, CLI `--json`); the message says what happened and what to do next.
 * Subclasses live beside the code that throws them.
 */
export abstract class LookalikeError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A setting, argument or input that its sender can correct. */
export class BadUserInput extends LookalikeError {
  readonly code = "BAD_USER_INPUT";

  constructor(
    message: string,
    /** Path of the offending field, outermost first. */
    readonly field: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What went wrong, in one line, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The public code of an error, or `INTERNAL_ERROR` for one that nobody foresaw. */
export function codeOf(error: unknown): string {
  return error instanceof LookalikeError ? error.code : "INTERNAL_ERROR";
}
