/** One GraphQL operation that was answered. */
export interface AnsweredOperation {
  /** As its document names it; `anonymous` without a name, `invalid` when the document was none of this schema. */
  readonly name: string;
  readonly seconds: number;
  /** Codes of the errors in the answer, each once. */
  readonly errorCodes: readonly string[];
}

/** One HTTP request that was answered, or whose client went before. */
export interface AnsweredRequest {
  /** The pattern of the address, such as /photos/:id; `none` for an address that is not there. */
  readonly route: string;
  readonly method: string;
  /** 499 when the client went before the answer. */
  readonly status: number;
  readonly seconds: number;
}
