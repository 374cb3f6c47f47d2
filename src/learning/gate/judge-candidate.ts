import type { Sql } from "../../database/database.type.js";
import { type GateDecision, type GateRequest, heldOutOf, type Judge } from "../../evaluation/index.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import type { JudgeCandidate } from "../../models/gate.type.js";
import type { PositiveRule, Snapshot } from "../snapshot/snapshot.type.js";
import { SnapshotMissing } from "./gate.errors.js";

export interface JudgeCandidateDependencies {
  readonly database: Sql;
  readonly artefacts: Pick<ArtefactStore, "read">;
  readonly judge: Judge;
}

/**
 * Judges a candidate as its run was meant: by the notion that it learned, on the products that its snapshot kept
 * aside: those of labels that it did not select as well, because the model will answer for them too, and told apart. A
 * run that learned from no labels is judged by those that the catalog happens to have.
 */
export function createJudgeCandidate({
  database,
  artefacts,
  judge,
}: JudgeCandidateDependencies): (...judged: Parameters<JudgeCandidate>) => Promise<GateDecision> {
  return async ({ modelId, runId }, liveId, signal) => {
    const { photos, positives, labelNames, notSelected } = await readSnapshot(database, artefacts, runId);
    let decision: GateDecision | undefined;
    for (const labels of labelsToJudgeBy(positives)) {
      // Only when the test products alone are too few to tell.
      for (const asking of [["test"], ["test", "validation"]] as const) {
        const heldOut = heldOutOf({ photos, ...(notSelected && { notSelected }) }, asking);
        const request: GateRequest = {
          ...{ labels, split: "test", gallery: galleryFor(labels), heldOut },
          // Labels are selected by the first rule, and that is the one to judge by.
          ...(notSelected && { learned: new Set(labelNames[0]) }),
        };
        const next = await judge.judge(modelId, liveId, request, signal);
        // Where all are too few, the figures of the first labels with the most queries.
        if (decision === undefined || next.verdict !== "TOO_FEW_QUERIES" || next.clusters > decision.clusters) {
          decision = next;
        }
        if (decision.verdict !== "TOO_FEW_QUERIES") return decision;
      }
    }
    return decision!;
  };
}

/** The first notion that was asked for, or whatever labels there are where photos were only told from others. */
export function labelsToJudgeBy(positives: readonly PositiveRule[]): readonly string[] {
  const main = positives.find(({ kind }) => kind !== "augmentation");
  return main === undefined ? ["category", "group", "product"] : [main.kind];
}

/** Other photos of a product, and variants of its group, were held out with it; a label's others were learned from. */
function galleryFor(labels: string): GateRequest["gallery"] {
  return labels === "product" || labels === "group" ? "all" : "train";
}

async function readSnapshot(
  sql: Sql,
  artefacts: Pick<ArtefactStore, "read">,
  runId: string,
): Promise<Pick<Snapshot, "photos" | "positives" | "labelNames" | "notSelected">> {
  const [run] = await sql.query<{ key: string | null; sha256: string | null }>(
    "SELECT snapshot_key AS key, snapshot_sha256 AS sha256 FROM training_run WHERE id = $1::uuid",
    [runId],
  );
  if (!run?.key) throw new SnapshotMissing(runId);
  return JSON.parse((await artefacts.read(run.key, run.sha256 ?? undefined)).toString("utf8"));
}
