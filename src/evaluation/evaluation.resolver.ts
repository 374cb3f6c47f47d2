import pLimit from "p-limit";
import { Args, Authorized, Ctx, Query, Resolver } from "type-graphql";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import { compareResults } from "./comparison.js";
import { EvaluationArgs } from "./evaluation.args.js";
import { EvaluationObject, showComparison, showEvaluationReport } from "./evaluation.object.js";
import type { Evaluation, EvaluationRequest } from "./evaluation.type.js";
import { reportOf } from "./evaluation-report.js";

@Resolver(() => EvaluationObject)
export class EvaluationResolver {
  /** One at a time: each compares every question with a whole gallery, beside visitors' requests. */
  private readonly inTurn = pLimit(1);

  constructor(private readonly stage: Evaluation) {}

  @Authorized("ADMIN")
  @Query(() => EvaluationObject, {
    description: "Measures a model on the labels that the catalog carries. Takes seconds for thousands of products.",
  })
  evaluation(
    @Args(() => EvaluationArgs) { against, onlyLabels, excludeLabels, ...asked }: EvaluationArgs,
    @Ctx() { signal }: GraphqlContext,
  ): Promise<EvaluationObject> {
    // A null that was written out means the same as nothing.
    const request: EvaluationRequest = {
      ...asked,
      ...(onlyLabels == null ? {} : { onlyLabels }),
      ...(excludeLabels == null ? {} : { excludeLabels }),
    };
    return this.inTurn(async () => {
      const measured = await this.stage.measure(request, signal);
      const shown = showEvaluationReport(reportOf(measured));
      if (against == null) return shown;
      const other = await this.stage.measure({ ...request, model: against }, signal);
      const comparison = compareResults(measured.results, other.results);
      return comparison === undefined ? shown : { ...shown, comparison: showComparison(other.model.name, comparison) };
    });
  }
}
