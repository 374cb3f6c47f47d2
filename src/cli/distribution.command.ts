import path from "node:path";
import sharp from "sharp";
import { BadUserInput } from "../errors.js";
import {
  type DistanceDistribution,
  type DistributionRequest,
  drawDistributions,
} from "../learning/distribution/index.js";
import { formatTable, say, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";
import { writeResult } from "./write-result.js";

export interface DistributionOptions extends CommonOptions, DistributionRequest {
  readonly against?: string;
  readonly out?: string;
}

/** Measures how the distances of photos lie with a model's vectors, and draws them; with another model's above. */
export async function showDistribution(options: DistributionOptions): Promise<void> {
  const { model, labels, split, against, out } = options;
  const extension = out === undefined ? undefined : path.extname(out).toLowerCase();
  if (extension !== undefined && extension !== ".svg" && extension !== ".png") {
    throw new BadUserInput(`--out must end in .svg or .png, not ${JSON.stringify(path.basename(out!))}.`, ["out"]);
  }
  await withCore(options, async (core) => {
    const after = await core.distributions.measure({ model, labels, split });
    const before =
      against === undefined ? undefined : await core.distributions.measure({ model: against, labels, split });
    const panels = [
      ...(before === undefined ? [] : [{ title: "Before", distribution: before }]),
      { title: before === undefined ? "Distances" : "After", distribution: after },
    ];
    if (out !== undefined) {
      const svg = drawDistributions(panels);
      await writeResult(out, extension === ".svg" ? svg : await sharp(Buffer.from(svg)).png().toBuffer());
      say(`Drawn: ${out}`);
    }
    writeAnswer(toJson(after, before), options.json, () =>
      tableOf([after, before].filter((each) => each !== undefined)),
    );
  });
}

function toJson(after: DistanceDistribution, before: DistanceDistribution | undefined): unknown {
  const plain = ({ model, modelId, report }: DistanceDistribution) => ({ model, modelId, ...report });
  return { labels: after.labels, ...plain(after), ...(before === undefined ? {} : { against: plain(before) }) };
}

function tableOf(distributions: readonly DistanceDistribution[]): string[] {
  const row = (name: string, value: (report: DistanceDistribution["report"]) => string): string[] => [
    name,
    ...distributions.map(({ report }) => value(report)),
  ];
  const fixed = (value: number): string => value.toFixed(3);
  return formatTable(
    ["measure", ...distributions.map(({ model }) => model)],
    [
      row("photos", ({ photos }) => String(photos)),
      row("positive pairs", ({ positivePairs }) => String(positivePairs)),
      row("negative pairs", ({ negativePairs, allNegatives }) => `${negativePairs}${allNegatives ? "" : " (sample)"}`),
      row("peak of positives", ({ bands }) => fixed(bands.positivePeak)),
      row("peak of negatives", ({ bands }) => fixed(bands.negativePeak)),
      row("hard positives", ({ hardPositives }) => fixed(hardPositives)),
      row("hard negatives", ({ hardNegatives }) => fixed(hardNegatives)),
      row("overlap", ({ overlap }) => fixed(overlap)),
      row("d′", ({ dPrime }) => fixed(dPrime)),
      row("equal errors at", ({ equalErrorThreshold }) => fixed(equalErrorThreshold)),
      row("errors there", ({ equalErrorRate }) => fixed(equalErrorRate)),
    ],
  );
}
