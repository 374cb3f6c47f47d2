import { composeCore } from "../compose.js";
import { createEvaluation, type EvaluationRequest } from "../evaluation/index.js";
import { formatTable, say, writeAnswer } from "./answer.js";
import { type CommonOptions, openSettings } from "./settings.js";

export type EvaluateOptions = CommonOptions & EvaluationRequest;

/** Prints how well the products of one label find each other with a model's vectors. */
export async function showEvaluation(options: EvaluateOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const core = await composeCore(config, logger, "client");
  try {
    const { model, labels, split, gallery } = options;
    const evaluation = createEvaluation({ vectors: core.vectors, models: core.models });
    const { queriesWithoutRelevant, ...report } = await evaluation.evaluate({ model, labels, split, gallery });
    if (queriesWithoutRelevant > 0) say(`${queriesWithoutRelevant} products were left out: no other has their label.`);
    writeAnswer(report, options.json, () =>
      formatTable(
        ["measure", "value"],
        Object.entries(report).map(([name, value]) => [name, formatValue(value)]),
      ),
    );
  } finally {
    await core.close();
  }
}

function formatValue(value: string | number): string {
  return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value);
}
