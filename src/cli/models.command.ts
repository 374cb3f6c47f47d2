import type { ModelDetails } from "../models/model-details.type.js";
import { formatTable, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

export async function listModels(options: CommonOptions): Promise<void> {
  await withCore(options, async (core) => {
    const models = await Promise.all(
      (await core.listModels()).map(async (model) => ({
        ...model,
        refresh: await core.vectors.countPhotos(core.database, model.id),
      })),
    );
    writeAnswer(models, options.json, () =>
      models.length === 0
        ? ['No model yet: "lookalike serve" or "lookalike import" registers the first one.']
        : formatTable(
            ["id", "name", "encoder", "dims", "state", "vectors", "gate", "changed"],
            models.map((model) => [
              model.id,
              model.name,
              model.encoder,
              model.dims,
              model.state,
              `${model.refresh.done}/${model.refresh.total}${model.refreshPaused ? " (paused)" : ""}`,
              gateOf(model),
              changeOf(model),
            ]),
          ),
    );
  });
}

function gateOf({ metrics: { gate, promotion } }: ModelDetails): string {
  if (promotion?.forced) return "forced";
  if (gate === undefined) return "";
  return gate.passed ? "passed" : "refused";
}

/** Share of the products whose ten nearest changed against the model that was active. */
function changeOf({ metrics: { stability } }: ModelDetails): string {
  if (stability === undefined || stability.products === 0) return "";
  return `${Math.round((100 * stability.changed) / stability.products)} %`;
}
