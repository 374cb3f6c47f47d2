import type { Sql } from "../database/database.type.js";
import type { Gate } from "./gate.type.js";

export type RefreshStage = "refresh" | "index" | "gate";

/** How far the refresh of a model is. */
export interface RefreshProgress {
  readonly stage: RefreshStage;
  readonly done: number;
  readonly total: number;
  readonly secondsLeft: number | null;
}

/**
 * What the refresh tells the training run that waits for it. The learning stage, which comes after this one, keeps runs;
 * compose.ts connects the two.
 */
export interface WaitingRuns {
  /** @returns whether the run still waits; a cancelled one does not */
  note(sql: Sql, runId: string, progress: RefreshProgress): Promise<boolean>;
  /** Has a run that was cancelled or failed wait again. */
  revive(sql: Sql, runId: string): Promise<unknown>;
  /** Ends it, within the transaction that promotes its model. @returns whether it still waited */
  finish(
    sql: Sql,
    runId: string,
    outcome: { readonly gate?: Gate; readonly failure?: { readonly code: string; readonly message: string } },
  ): Promise<boolean>;
}
