import type pg from "pg";
import type { PrismaClient } from "../generated/prisma/client.js";

/** Anything that runs SQL: the pool, or one transaction on one connection. */
export interface Sql {
  /**
   * Runs one statement with `$1…` parameters. A Buffer travels in binary form, everything else as text.
   * `options.name` makes a prepared statement of it on real Postgres (ignored on the embedded database, whose
   * clients share one session, where names would collide).
   */
  query<Row = Record<string, unknown>>(
    text: string,
    parameters?: readonly unknown[],
    options?: { readonly name?: string },
  ): Promise<Row[]>;
}

/** One statement that was answered. */
export interface AnsweredStatement {
  /** Its first word. */
  readonly kind: "select" | "with" | "insert" | "update" | "delete" | "begin" | "commit" | "rollback" | "other";
  readonly seconds: number;
  readonly failed: boolean;
}

/** One Postgres with pgvector: a server of the shop's, or the embedded one, spoken to in the same wire protocol. */
export interface Database extends Sql {
  readonly kind: "postgres" | "embedded";
  /** Column type of vectors on this server; see the first migration for the measured reason. */
  readonly vectorType: "halfvec" | "vector";
  /** For reads and single-row writes that need no job. */
  readonly prisma: PrismaClient;
  /** For COPY and other uses of a bare connection. */
  readonly pool: pg.Pool;
  /**
   * Commits what `work` wrote, or nothing. Every write that needs a job enqueues it in here. Keep it short: the
   * embedded database has one session, and an open transaction holds everybody else up. `SET LOCAL` only.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Tells of every statement of this process from now on, until what is returned is called. */
  onStatement(listener: (statement: AnsweredStatement) => void): () => void;
  close(): Promise<void>;
}
