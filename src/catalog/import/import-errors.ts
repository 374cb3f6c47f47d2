import { LookalikeError, messageOf } from "../../errors.js";

/** A snapshot that would delete too much, which is more often a broken feed than a shop that closes. */
export class MassDeleteRefused extends LookalikeError {
  readonly code = "MASS_DELETE_REFUSED";

  constructor(
    readonly absent: number,
    readonly products: number,
    share: number,
    readonly examples: readonly string[],
  ) {
    super(
      `The feed does not name ${absent} of the source's ${products} products (for example ${examples.join(", ")}). ` +
        `A snapshot deletes at most ${Math.round(share * 100)} % of them at once; nothing is deleted; the rows of ` +
        "the feed are taken. If it is right, run again with --allow-mass-delete (allowMassDelete: true).",
    );
  }
}

/** The database stayed away for longer than an import waits. */
export class ImportInterrupted extends LookalikeError {
  readonly code = "IMPORT_INTERRUPTED";

  constructor(rows: number, cause: unknown) {
    super(
      `The database went away after ${rows} rows: ${messageOf(cause)}. What was imported is kept. Start the database ` +
        "again, then run the same command again: it goes on where it stopped.",
      { cause },
    );
  }
}

/** The import's job has used up its attempts. */
export class ImportGivenUp extends LookalikeError {
  readonly code = "IMPORT_GIVEN_UP";

  constructor(reason: string) {
    super(
      `Every attempt ended early; the last one: ${reason}. What was imported is kept. Look into the worker's log, then ` +
        "start the import again (importCatalog with the same url): it meets unchanged what is there already.",
    );
  }
}
