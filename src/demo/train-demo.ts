import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { say } from "../cli/answer.js";
import { waitForTraining } from "../cli/wait-for-training.js";
import type { Core } from "../compose.js";
import type { GateDecision } from "../evaluation/judge.type.js";
import { drawDistributions } from "../learning/distribution/index.js";
import { type ComparedItem, drawComparisonSheet } from "./comparison-sheet.js";

/** Customers of the drawn shop look for a pattern. */
const ATTRIBUTE = "pattern";
const BUDGET_MINUTES = 1;
const SEED = 7;
/** As many of its category have its pattern. */
const SHOWN = 5;

/**
 * Trains on the drawn shop, waits until the new model answers, and draws what it found before and what it finds now
 * for one product, which is of the test split: nothing was learned from it.
 * @param folder gets `before-and-after.png` and `distances.png`
 */
export async function trainDemo(core: Core, product: string, folder: string): Promise<void> {
  const sheet = path.join(folder, "before-and-after.png");
  const active = await core.models.active();
  if ((await core.models.base()).id !== active.id) {
    say(`This shop's own model answers already: ${active.name}.`);
    return;
  }
  say(`\nCustomers of this shop look for a pattern. Training on it for about ${BUDGET_MINUTES} minute.`);
  const before = await neighboursOf(core, product);
  const { id } = await core.training.start({
    positives: [{ kind: `attribute:${ATTRIBUTE}`, weight: 1 }],
    budgetMinutes: BUDGET_MINUTES,
    seed: SEED,
  });
  const run = await waitForTraining(core, id, new AbortController().signal);
  if (run.state !== "SUCCEEDED" || run.gate === null) {
    say(`The training did not end well (${run.state}): ${run.failure ?? "no reason was given"}`);
    return;
  }
  for (const line of figuresOf(run.gate as GateDecision)) say(line);
  const after = await neighboursOf(core, product);
  const query = { title: before.title, productId: before.productId, label: before.label };
  await writeFile(
    sheet,
    await drawComparisonSheet(core, query, [
      { title: "Before: the encoder as it came", items: before.items },
      {
        title: `After ${Math.round(run.result?.seconds ?? 60 * BUDGET_MINUTES)} seconds of training`,
        items: after.items,
      },
    ]),
  );
  const right = (items: readonly ComparedItem[]) => items.filter(({ label }) => label === before.label).length;
  say(
    `Of the ${before.items.length} products nearest to ${product}, ${right(before.items)} had its pattern before and ${right(after.items)} now: ${sheet}`,
  );
  await drawDistances(core, path.join(folder, "distances.png"));
}

/** Of the test split too, before and after. */
async function drawDistances(core: Core, file: string): Promise<void> {
  const measure = (model: string) =>
    core.distributions.measure({ model, labels: `attribute:${ATTRIBUTE}`, split: "test" });
  const svg = drawDistributions([
    { title: "Before", distribution: await measure("base") },
    { title: "After", distribution: await measure("active") },
  ]);
  await writeFile(file, await sharp(Buffer.from(svg)).png().toBuffer());
  say(`How far photos of one pattern are apart, and of different ones: ${file}`);
}

async function neighboursOf(core: Core, product: string) {
  const page = await core.similar.toProduct(product, { first: SHOWN, options: { excludeSameGroup: false } });
  const productId = (await core.findProduct(product))!;
  const products = await core.products.byIds([productId, ...page.items.map((item) => item.productId)]);
  const labelOf = (id: bigint): string => products.get(id)?.attributes[ATTRIBUTE]?.join(", ") ?? "";
  const items = page.items.flatMap((item): ComparedItem[] => {
    const found = products.get(item.productId);
    return found ? [{ ...item, product: found, label: labelOf(found.id) }] : [];
  });
  return { productId, title: products.get(productId)?.title ?? product, label: labelOf(productId), items };
}

function figuresOf({ candidate, live, passed, reason, queries }: GateDecision): string[] {
  if (candidate === null || live === null) return [`The gate: ${reason}`];
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return [
    `On ${queries} products that it has not learned from: the nearest has the pattern asked for in ${percent(live.recallAt1)} of the cases before, ${percent(candidate.recallAt1)} now (MAP@R ${live.mapAtR.toFixed(2)} before, ${candidate.mapAtR.toFixed(2)} now).`,
    `The gate ${passed ? "let the new model answer" : "kept the old model"}: ${reason}`,
  ];
}
