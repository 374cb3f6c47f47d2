import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Sql } from "../../src/database/database.type.js";
import { createArtefactStore } from "../../src/models/artefact-store.js";
import { findGaps } from "../../src/vectors/model-completeness.repository.js";
import type { KilledShop } from "./killed-shop.js";

/** What must hold at every moment and does not. */
export class Violated extends Error {}

export interface Answer {
  readonly modelId: number;
  readonly productId: string;
  readonly items: readonly { readonly productId: string; readonly distance: number }[];
}

interface AskedItems {
  readonly similarItems: {
    readonly status: string;
    readonly model: { readonly id: string };
    readonly edges: readonly { readonly distance: number; readonly reason: string; readonly node: { id: string } }[];
  };
}

/** By the products' own vectors, so that each distance can be computed again. */
const SIMILAR = `query ($id: ID!) { similarItems(productId: $id, first: 5, options: { match: PRODUCT, fallback: NONE }) {
  status model { id } edges { distance reason node { id } } } }`;

/** As a shopper's page asks. @throws Violated when there is no answer to show */
export async function askSimilar(shop: Pick<KilledShop, "ask">, productId: string): Promise<Answer> {
  const { similarItems } = await shop.ask<AskedItems>(SIMILAR, { id: productId });
  const { status, edges, model } = similarItems;
  if (status !== "READY" || edges.length < 5) {
    throw new Violated(`model ${model.id} answers ${status} with ${edges.length} items for ${productId}`);
  }
  const items = edges.map(({ distance, node }) => ({ distance, productId: node.id }));
  return { modelId: Number(model.id), productId, items };
}

/**
 * One active model; answers come from it and from its vectors alone; every model that is listed has its weights as they
 * were written; no trainer runs without its worker.
 */
export async function checkShop(shop: KilledShop, productIds: readonly string[]): Promise<void> {
  await shop.look(async (sql) => {
    for (const productId of productIds) await checkAnswer(shop, sql, productId);
    const artefacts = createArtefactStore(shop.config);
    const models = await sql.query<{ name: string; key: string; sha256: string }>(
      `SELECT name, weights_key AS key, weights_sha256 AS sha256 FROM model_version
       WHERE weights_key IS NOT NULL AND deleted_at IS NULL`,
    );
    for (const { name, key, sha256 } of models) {
      await artefacts.read(key, sha256).catch((error: unknown) => {
        throw new Violated(`the weights of ${name} are not what was written: ${String(error)}`);
      });
    }
  });
  const orphans = await shop.orphans();
  if (orphans.length > 0) throw new Violated(`trainers ${orphans} go on without a worker`);
}

async function checkAnswer(shop: KilledShop, sql: Sql, productId: string): Promise<void> {
  const before = await onlyActive(sql);
  const { modelId, items } = await askSimilar(shop, productId);
  const after = await onlyActive(sql);
  if (modelId !== before && modelId !== after) {
    throw new Violated(
      `model ${modelId} answers, model ${before === after ? before : `${before}, then ${after}`} is active`,
    );
  }
  const ids = items.map((item) => keyOf(item.productId));
  const rows = await sql.query<{ id: bigint; distance: number }>(
    `SELECT o.product_id AS id, (o.vec <=> q.vec)::float8 AS distance
     FROM vectors.product_vector q JOIN vectors.product_vector o ON o.model_id = q.model_id
     WHERE q.model_id = $1::int AND q.product_id = $2::bigint AND o.product_id = ANY ($3::bigint[])`,
    [modelId, keyOf(productId), ids],
  );
  for (const [place, { distance }] of items.entries()) {
    const own = rows.find(({ id }) => id === ids[place])?.distance;
    if (own === undefined || Math.abs(own - distance) > 1e-3) {
      throw new Violated(`an answer of model ${modelId} for ${productId} has distance ${distance}, its vectors ${own}`);
    }
  }
}

/** @throws Violated unless exactly one model is active */
export async function onlyActive(sql: Sql): Promise<number> {
  const rows = await sql.query<{ id: number }>("SELECT id FROM model_version WHERE state = 'ACTIVE'");
  if (rows.length !== 1) throw new Violated(`${rows.length} models are active`);
  return rows[0]!.id;
}

function keyOf(productId: string): bigint {
  return BigInt(productId.replace("prod_", ""));
}

export interface EndedRun {
  readonly id: string;
  readonly state: "SUCCEEDED" | "FAILED" | "CANCELLED";
  readonly failureCode: string | null;
  readonly attempts: number;
  readonly modelId: number | null;
  readonly gate: { readonly passed: boolean; readonly reason: string } | null;
}

const COUNTS = `
  SELECT (SELECT count(*)::int FROM training_run WHERE state IN ('QUEUED', 'RUNNING', 'REFRESHING')) AS runs,
         (SELECT count(*)::int FROM pgboss.job WHERE state IN ('created', 'retry', 'active')) AS jobs`;

/** Whether nothing is under way any more: no run and no job. */
export async function isIdle(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ runs: number; jobs: number }>(COUNTS);
  return row!.runs + row!.jobs === 0;
}

/** What must hold besides when nothing is under way: a run that ended well or says why not, and complete vectors. */
export async function checkSettled(shop: KilledShop, runId: string): Promise<EndedRun> {
  return shop.look(async (sql) => {
    const [run] = await sql.query<EndedRun & { failure: string | null; promote: string; modelState: string | null }>(
      `SELECT r.id, r.state::text AS state, failure_code AS "failureCode", failure, attempts, model_id AS "modelId",
              gate, promote::text AS promote, m.state::text AS "modelState"
       FROM training_run r LEFT JOIN model_version m ON m.id = r.model_id WHERE r.id = $1::uuid`,
      [runId],
    );
    if (!run) throw new Violated(`run ${runId} is gone`);
    if (run.state === "SUCCEEDED") {
      if (run.modelId === null || run.gate === null) throw new Violated(`run ${runId} SUCCEEDED without model or gate`);
      if (run.promote === "IF_BETTER" && run.gate.passed !== (run.modelState === "ACTIVE")) {
        throw new Violated(`run ${runId}: its model is ${run.modelState}, its gate says ${JSON.stringify(run.gate)}`);
      }
    } else if (!run.failureCode || !run.failure) throw new Violated(`run ${runId} is ${run.state} and says no reason`);
    await checkVectors(sql);
    const trainers = shop.trainers();
    if (trainers.length > 0) throw new Violated(`no run is under way, and trainers ${trainers} are`);
    return run;
  });
}

async function checkVectors(sql: Sql): Promise<void> {
  const active = await onlyActive(sql);
  const [lacking] = await sql.query<{ photos: number; products: number }>(
    `SELECT (SELECT count(DISTINCT i.blob_id)::int FROM product_image i JOIN product p ON p.id = i.product_id
             WHERE i.state = 'READY' AND p.deleted_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM vectors.photo_vector v WHERE v.model_id = $1::int AND v.blob_id = i.blob_id)) AS photos,
            (SELECT count(*)::int FROM product p WHERE p.deleted_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM vectors.product_vector v WHERE v.model_id = $1::int AND v.product_id = p.id)) AS products`,
    [active],
  );
  const gaps = await findGaps(sql, active, active);
  if (lacking!.photos + lacking!.products + gaps.products > 0) {
    throw new Violated(`the active model ${active} lacks ${JSON.stringify(lacking)}, stale: ${JSON.stringify(gaps)}`);
  }
}

/** Files that no run or model needs any more, when nothing is under way. Relative to the data folder. */
export async function leftoverFiles(shop: KilledShop): Promise<string[]> {
  const rows = await shop.look((sql) =>
    sql.query<{ key: string }>(
      `SELECT weights_key AS key FROM model_version WHERE weights_key IS NOT NULL AND deleted_at IS NULL
       UNION ALL SELECT snapshot_key FROM training_run WHERE snapshot_key IS NOT NULL
       UNION ALL SELECT checkpoint_key FROM training_run WHERE checkpoint_key IS NOT NULL`,
    ),
  );
  const needed = new Set(rows.map(({ key }) => path.join("artefacts", key)));
  const { data } = shop.config;
  const files = async (folder: string): Promise<string[]> => {
    const entries = await readdir(path.join(data, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(data, path.join(entry.parentPath, entry.name)));
  };
  return [...(await files("artefacts")), ...(await files("training"))].filter((file) => !needed.has(file)).sort();
}
