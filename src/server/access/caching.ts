/** Whether the answer to one request may be kept, beside what its fields say. */
export interface Caching {
  readonly forbidden: boolean;
  /** For an answer that soon is another one, or that is for one visitor only. */
  forbid(): void;
}

export function createCaching(): Caching {
  let forbidden = false;
  return {
    get forbidden() {
      return forbidden;
    },
    forbid() {
      forbidden = true;
    },
  };
}
