import { type Core, composeCore } from "../compose.js";
import { type CommonOptions, openSettings } from "./settings.js";

/** Opens the stages for the time of one command, and closes them however it ends. */
export async function withCore(options: CommonOptions, work: (core: Core) => Promise<void>): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const core = await composeCore(config, logger, "client");
  try {
    await work(core);
  } finally {
    await core.close();
  }
}
