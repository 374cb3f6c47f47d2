import type { Database, Sql } from "../database/database.type.js";
import type { InteractionRates } from "../interactions/interaction.type.js";
import { countByVariant, noCounts } from "../interactions/interaction-report.js";
import { overlap } from "../interactions/wilson.js";
import { ModelNotFound, ModelNotReady } from "../models/model-promotion.errors.js";
import { MODELS_LOCK } from "../models/model-rows.js";
import type { Revisions } from "../similar/revisions.js";
import type { Vectors } from "../vectors/vectors.type.js";
import { checkExperiment } from "./check-experiment.js";
import type { ComparedRates, Experiment, Experiments, NewExperiment, Variant } from "./experiment.type.js";
import { ExperimentEnded, ExperimentNotFound, ExperimentOverlaps } from "./experiments.errors.js";
import {
  endExperiment,
  findExperiment,
  findOverlapping,
  insertExperiment,
  listExperiments,
  lockExperiments,
} from "./experiments.repository.js";

const MOST_LISTED = 100;

export interface ExperimentsDependencies {
  readonly database: Pick<Database, "query" | "transaction">;
  readonly vectors: Pick<Vectors, "findGaps">;
  readonly revisions: Pick<Revisions, "expire">;
  readonly clock?: () => Date;
}

/** @see Experiments */
export function createExperiments({
  database,
  vectors,
  revisions,
  clock = () => new Date(),
}: ExperimentsDependencies): Experiments {
  async function write<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await database.transaction(async (sql) => {
        // No model of it may be deleted meanwhile.
        await sql.query(MODELS_LOCK);
        await lockExperiments(sql);
        return work(sql);
      });
    } finally {
      revisions.expire();
    }
  }

  async function assertComplete(sql: Sql, { modelId }: Variant): Promise<void> {
    const [model] = await sql.query<{ name: string; live: boolean; active: number | null; refresh_paused: boolean }>(
      `SELECT name, refresh_paused, EXISTS (SELECT 1 FROM vectors.live_model l WHERE l.id = m.id) AS live,
              (SELECT id FROM model_version WHERE state = 'ACTIVE') AS active
       FROM model_version m
       WHERE id = $1::bigint AND deleted_at IS NULL AND state IN ('CANDIDATE', 'ACTIVE', 'RETIRED')`,
      [modelId],
    );
    if (model === undefined) throw new ModelNotFound(modelId);
    if (model.active === null || model.active === modelId) return;
    const gaps = await vectors.findGaps(sql, modelId, model.active);
    if (gaps.photos === 0 && gaps.products === 0) return;
    const going = model.refresh_paused ? "paused" : "refreshing";
    throw new ModelNotReady(model.name, gaps, model.live ? going : "not refreshing");
  }

  return {
    async start(wanted) {
      const now = clock();
      const experiment: Required<NewExperiment> = { share: 1, ...wanted, from: wanted.from ?? now };
      checkExperiment(experiment, now);
      return write(async (sql) => {
        const other = await findOverlapping(sql, experiment.from, experiment.to);
        if (other !== undefined) throw new ExperimentOverlaps(other);
        for (const variant of experiment.variants) await assertComplete(sql, variant);
        return insertExperiment(sql, experiment);
      });
    },
    async stop(id) {
      return write(async (sql) => {
        const known = await findExperiment(sql, id);
        if (known === undefined) throw new ExperimentNotFound(id);
        const now = clock();
        if (known.to <= now) throw new ExperimentEnded(known.name, known.to);
        return endExperiment(sql, id, now);
      });
    },
    list: () => listExperiments(database, MOST_LISTED),
    find: (id) => findExperiment(database, id),
    stateOf: ({ from, to }) => stateAt({ from, to }, clock()),
    async report({ id, variants }) {
      const counted = await countByVariant(database, id);
      const control = counted.get(0) ?? noCounts();
      return variants.map(({ modelId }, variant) => {
        const counts = counted.get(variant) ?? noCounts();
        if (variant === 0) return { ...counts, variant, modelId };
        const perItem = compare(counts.perItem, control.perItem);
        const perVisitor = compare(counts.perVisitor, control.perVisitor);
        return { ...counts, variant, modelId, perItem, perVisitor };
      });
    },
  };
}

function stateAt({ from, to }: Pick<Experiment, "from" | "to">, now: Date): "SCHEDULED" | "RUNNING" | "ENDED" {
  if (to <= now || to <= from) return "ENDED";
  return from > now ? "SCHEDULED" : "RUNNING";
}

function compare(rates: InteractionRates, control: InteractionRates): ComparedRates {
  const of = (kind: keyof InteractionRates) => {
    const overlapsControl = overlap(rates[kind], control[kind]);
    return { ...rates[kind], ...(overlapsControl === undefined ? {} : { overlapsControl }) };
  };
  return { clicks: of("clicks"), carts: of("carts"), purchases: of("purchases") };
}
