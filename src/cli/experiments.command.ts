import type { Core } from "../compose.js";
import { formatExperimentId, parseExperimentId } from "../experiments/experiment-id.js";
import { type ComparedRate, type Experiment, ExperimentNotFound, type Variant } from "../experiments/index.js";
import { formatTable, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

const DAY_MS = 86_400_000;

export interface StartExperimentOptions extends CommonOptions {
  readonly models: readonly Variant[];
  readonly from?: Date;
  readonly to?: Date;
  readonly days: number;
  readonly share: number;
}

export async function listExperiments(options: CommonOptions): Promise<void> {
  await withCore(options, async (core) => {
    const experiments = (await core.experiments.list()).map((experiment) => toJson(core, experiment));
    writeAnswer(experiments, options.json, () =>
      experiments.length === 0
        ? ["No experiment: `lookalike experiments start` makes one."]
        : formatTable(
            ["id", "name", "state", "models", "share", "from", "to"],
            experiments.map(({ id, name, state, variants, share, from, to }) => [
              ...[id, name, state, variants.map(({ modelId }) => modelId).join(" / "), share],
              ...[from.toISOString(), to.toISOString()],
            ]),
          ),
    );
  });
}

export async function startExperiment(name: string, options: StartExperimentOptions): Promise<void> {
  await withCore(options, async (core) => {
    const { from, models: variants, share, days } = options;
    const to = options.to ?? new Date((from ?? new Date()).getTime() + days * DAY_MS);
    const started = await core.experiments.start({
      name,
      variants,
      share,
      to,
      ...(from === undefined ? {} : { from }),
    });
    const experiment = toJson(core, started);
    writeAnswer(experiment, options.json, () => [
      `${experiment.id} "${name}" ${experiment.state === "RUNNING" ? "runs" : "will run"} until ${to.toISOString()}.`,
    ]);
  });
}

export async function stopExperiment(id: string, options: CommonOptions): Promise<void> {
  await withCore(options, async (core) => {
    const experiment = toJson(core, await core.experiments.stop(toKey(id)));
    writeAnswer(experiment, options.json, () => [
      `${experiment.id} has ended: the active model answers everybody. \`lookalike experiments report ${experiment.id}\` tells what came of it.`,
    ]);
  });
}

export async function reportExperiment(id: string, options: CommonOptions): Promise<void> {
  await withCore(options, async (core) => {
    const found = await core.experiments.find(toKey(id));
    if (found === undefined) throw new ExperimentNotFound(id);
    const report = await core.experiments.report(found);
    writeAnswer({ ...toJson(core, found), report }, options.json, () =>
      formatTable(
        ["model", "shown", "clicks", "carts", "purchases", "visitors", "who clicked", "who put in cart", "who bought"],
        report.map(({ modelId, impressions, clicks, carts, purchases, visitors, perVisitor }) => [
          ...[modelId, impressions, clicks, carts, purchases, visitors],
          ...[perVisitor.clicks, perVisitor.carts, perVisitor.purchases].map(describeRate),
        ]),
      ),
    );
  });
}

/** Marked where the interval lies apart from the control's. */
function describeRate({ share, low, high, overlapsControl }: ComparedRate): string {
  if (share === undefined || low === undefined || high === undefined) return "";
  const percent = (value: number): string => (100 * value).toFixed(1);
  return `${percent(share)} % (${percent(low)} … ${percent(high)})${overlapsControl === false ? " *" : ""}`;
}

function toJson({ experiments }: Core, experiment: Experiment) {
  return { ...experiment, id: formatExperimentId(experiment.id), state: experiments.stateOf(experiment) };
}

/** @throws ExperimentNotFound */
function toKey(text: string): number {
  const id = parseExperimentId(text);
  if (id === undefined) throw new ExperimentNotFound(text);
  return id;
}
