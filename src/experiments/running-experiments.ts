import type { Sql } from "../database/database.type.js";
import type { Revisions } from "../similar/revisions.js";
import { assignVariant } from "./assign-variant.js";
import type { Assignment, Experiment } from "./experiment.type.js";
import { livingExperiments } from "./experiments.repository.js";

/** The variant that a visitor's answers are made by now; undefined outside an experiment. */
export type AssignVisitor = (visitor: string) => Promise<Assignment | undefined>;

export interface AssignVisitorDependencies {
  readonly sql: Sql;
  readonly revisions: Pick<Revisions, "current">;
  readonly clock?: () => Date;
}

/** Keeps the experiments in memory and reads them again when one was started or stopped; dates need no reading. */
export function createAssignVisitor({
  sql,
  revisions,
  clock = () => new Date(),
}: AssignVisitorDependencies): AssignVisitor {
  let known: { readonly revision: bigint; readonly living: Promise<Experiment[]> } | undefined;

  async function living(): Promise<Experiment[]> {
    const { experiments: revision } = await revisions.current();
    if (known?.revision === revision) return known.living;
    const mine = { revision, living: livingExperiments(sql, clock()) };
    known = mine;
    mine.living.catch(() => {
      if (known === mine) known = undefined;
    });
    return mine.living;
  }

  return async (visitor) => {
    const experiments = await living();
    if (experiments.length === 0) return undefined;
    const now = clock();
    const running = experiments.find(({ from, to }) => from <= now && now < to);
    return running && assignVariant(running, visitor);
  };
}
