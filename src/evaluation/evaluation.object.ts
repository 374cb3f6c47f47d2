import { Field, Float, Int, ObjectType } from "type-graphql";
import type { Comparison, EvaluationReport, LabelComparison, LabelFigures, RankingFigures } from "./evaluation.type.js";
import { FIGURES } from "./ranking-metrics.js";

@ObjectType("Interval", { description: "Where 95 % of the bootstrap's resamples lie." })
export class IntervalObject {
  @Field(() => Float)
  low!: number;

  @Field(() => Float)
  high!: number;
}

@ObjectType("RankingFigure", { description: "One figure: the mean over the queries." })
export class RankingFigureObject {
  @Field(() => String, {
    description: "recallAt1, recallAt10, mapAtR, precisionAt1, precisionAt10, meanAveragePrecision.",
  })
  name!: string;

  @Field(() => Float)
  value!: number;

  @Field(() => IntervalObject)
  interval!: IntervalObject;
}

@ObjectType("RankingDifference", { description: "One figure of two models, and by how much the first is better." })
export class RankingDifferenceObject {
  @Field(() => String)
  name!: string;

  @Field(() => Float)
  value!: number;

  @Field(() => Float, { description: "The other model's." })
  other!: number;

  @Field(() => Float)
  difference!: number;

  @Field(() => IntervalObject, { description: "Of the difference, query by query." })
  interval!: IntervalObject;
}

@ObjectType("LabelFigures")
export class LabelFiguresObject {
  @Field(() => String)
  label!: string;

  @Field(() => Int)
  queries!: number;

  @Field(() => [RankingFigureObject])
  figures!: RankingFigureObject[];
}

@ObjectType("LabelComparison")
export class LabelComparisonObject {
  @Field(() => String)
  label!: string;

  @Field(() => Int)
  queries!: number;

  @Field(() => Boolean, { description: "Surely worse with the first model." })
  worse!: boolean;

  @Field(() => [RankingDifferenceObject])
  differences!: RankingDifferenceObject[];
}

@ObjectType("EvaluationComparison", { description: "Two models on the queries that both can answer." })
export class EvaluationComparisonObject {
  @Field(() => String, { description: "Name of the other model." })
  model!: string;

  @Field(() => Int)
  queries!: number;

  @Field(() => Int, { description: "Products of one group count once." })
  independentQueries!: number;

  @Field(() => [RankingDifferenceObject])
  differences!: RankingDifferenceObject[];

  @Field(() => [LabelComparisonObject], { description: "Most queries first." })
  byLabel!: LabelComparisonObject[];
}

@ObjectType("Evaluation", { description: "How well products of one label find each other with a model's vectors." })
export class EvaluationObject {
  @Field(() => String, { description: "Name of the model." })
  model!: string;

  @Field(() => Int)
  queries!: number;

  @Field(() => Int, { description: "Products left out, because no other has their label." })
  queriesWithoutRelevant!: number;

  @Field(() => Int, { description: "Products, or photos, searched among." })
  gallery!: number;

  @Field(() => [RankingFigureObject])
  figures!: RankingFigureObject[];

  @Field(() => [LabelFiguresObject], {
    description: "By label, or by category where labels are groups or products; most queries first.",
  })
  byLabel!: LabelFiguresObject[];

  @Field(() => EvaluationComparisonObject, { nullable: true, description: "With `against`." })
  comparison?: EvaluationComparisonObject;

  @Field(() => Float)
  seconds!: number;
}

export function showEvaluationReport(report: EvaluationReport): EvaluationObject {
  const { model, queries, queriesWithoutRelevant, gallery, seconds } = report;
  return {
    ...{ model, queries, queriesWithoutRelevant, gallery, seconds },
    figures: showFigures(report),
    byLabel: report.byLabel.map((label) => ({ ...label, figures: showFigures(label) })),
  };
}

export function showComparison(model: string, comparison: Comparison): EvaluationComparisonObject {
  return {
    model,
    queries: comparison.queries,
    independentQueries: comparison.clusters,
    differences: showDifferences(comparison),
    byLabel: comparison.byLabel.map(({ label, queries, worse, ...compared }) => ({
      ...{ label, queries, worse },
      differences: showDifferences(compared),
    })),
  };
}

function showFigures(report: RankingFigures & Pick<LabelFigures, "intervals">): RankingFigureObject[] {
  return FIGURES.map((name) => ({ name, value: report[name], interval: report.intervals[name] }));
}

function showDifferences({
  first,
  second,
  differences,
  intervals,
}: Pick<LabelComparison, "first" | "second" | "differences" | "intervals">): RankingDifferenceObject[] {
  return FIGURES.map((name) => ({
    name,
    value: first[name],
    other: second[name],
    difference: differences[name],
    interval: intervals[name],
  }));
}
