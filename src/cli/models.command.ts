import { composeCore } from "../compose.js";
import { formatTable, writeAnswer } from "./answer.js";
import { type CommonOptions, openSettings } from "./settings.js";

export async function listModels(options: CommonOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const core = await composeCore(config, logger, "client");
  try {
    const models = await core.listModels();
    writeAnswer(models, options.json, () =>
      models.length === 0
        ? ['No model yet: "lookalike serve" or "lookalike import" registers the first one.']
        : formatTable(
            ["id", "name", "encoder", "dims", "state"],
            models.map(({ id, name, encoder, dims, state }) => [id, name, encoder, dims, state]),
          ),
    );
  } finally {
    await core.close();
  }
}
