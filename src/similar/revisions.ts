import type { Sql } from "../database/database.type.js";

/** What answers rest on, at one moment. Two equal ones saw the same rules, products and vectors. */
export interface Revision {
  /** Undefined before the first model is there. */
  readonly activeModelId: number | undefined;
  readonly rules: bigint;
  readonly products: bigint;
  readonly experiments: bigint;
  /** Of a model version's vectors. */
  vectors(modelId: number): bigint;
}

export interface Revisions {
  /**
   * The revision at most `atMostMs` ago. Read before a search, it is one whose writes the search sees all: an answer may
   * be newer than its revision and is never older.
   */
  current(): Promise<Revision>;
  /** For a process that has just committed a write of its own: nothing older counts any more. */
  expire(): void;
  /** `work`, and `expire` after it, whether it succeeds or not. */
  expiring<Given extends unknown[], Result>(
    work: (...given: Given) => Promise<Result>,
  ): (...given: Given) => Promise<Result>;
}

export interface RevisionsDependencies {
  readonly sql: Sql;
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number;
  /** From this age on the next one is read while the known one is given. */
  readonly refreshFromMs?: number;
  /** An older one is not given. */
  readonly atMostMs?: number;
}

/** Topics of `vectors.change_count` beside the model versions, which have their ids. */
const EXPERIMENTS = -2;
const RULES = -1;
const PRODUCTS = 0;

/**
 * Reads revisions when somebody asks, at most every 0.4 s: a timer would keep an idle database busy, and NOTIFY makes all
 * writers commit one after the other (docs/decisions/211-counting-changes.md).
 */
export function createRevisions({
  sql,
  now = () => performance.now(),
  refreshFromMs = 400,
  atMostMs = 900,
}: RevisionsDependencies): Revisions {
  let known: { readonly revision: Revision; readonly at: number } | undefined;
  let reading: Promise<Revision> | undefined;

  function read(): Promise<Revision> {
    if (reading !== undefined) return reading;
    // What is read holds for the moment at which the statement began, or a later one.
    const at = now();
    const mine = readRevision(sql).then(
      (revision) => {
        // After `expire` this one may lack the write in question: whoever waits for it asked before that write.
        if (reading === mine) {
          known = { revision, at };
          reading = undefined;
        }
        return revision;
      },
      (error: unknown) => {
        if (reading === mine) reading = undefined;
        throw error;
      },
    );
    reading = mine;
    return mine;
  }

  function expire(): void {
    known = undefined;
    reading = undefined;
  }

  return {
    async current() {
      const age = known === undefined ? Number.POSITIVE_INFINITY : now() - known.at;
      if (known === undefined || age >= atMostMs) return read();
      // One that fails here is tried again by the next caller, who waits for it when the time has come.
      if (age >= refreshFromMs) read().catch(() => {});
      return known.revision;
    },
    expire,
    expiring:
      (work) =>
      async (...given) => {
        try {
          return await work(...given);
        } finally {
          expire();
        }
      },
  };
}

async function readRevision(sql: Sql): Promise<Revision> {
  const [row] = await sql.query<{ active: number | null; topics: number[] | null; changes: bigint[] | null }>(
    `SELECT (SELECT id FROM model_version WHERE state = 'ACTIVE') AS active,
            array_agg(topic) AS topics, array_agg(changes) AS changes
     FROM (SELECT topic, sum(changes)::bigint AS changes FROM vectors.change_count GROUP BY topic) counted`,
  );
  const changes = new Map(row?.topics?.map((topic, at) => [topic, row.changes?.[at] ?? 0n]));
  return {
    activeModelId: row?.active ?? undefined,
    rules: changes.get(RULES) ?? 0n,
    products: changes.get(PRODUCTS) ?? 0n,
    experiments: changes.get(EXPERIMENTS) ?? 0n,
    vectors: (modelId) => changes.get(modelId) ?? 0n,
  };
}
