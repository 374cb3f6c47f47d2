import "reflect-metadata";
import type { GraphQLSchema } from "graphql";
import { buildSchemaSync, type NonEmptyArray, type PubSub } from "type-graphql";
import { CatalogHealthResolver } from "../catalog/health/catalog-health.resolver.js";
import { ImportRunResolver } from "../catalog/import/import-run.resolver.js";
import { CatalogMutationsResolver } from "../catalog/products/catalog-mutations.resolver.js";
import { ProductConnectionResolver, ProductResolver } from "../catalog/products/product.resolver.js";
import { ProgressResolver } from "../catalog/progress/progress.resolver.js";
import { EvaluationResolver } from "../evaluation/evaluation.resolver.js";
import { ExperimentsResolver } from "../experiments/experiments.resolver.js";
import { AttributionTokenResolver, InteractionsResolver } from "../interactions/interactions.resolver.js";
import { DistributionResolver } from "../learning/distribution/distribution.resolver.js";
import { TrainingMutationsResolver, TrainingProgressResolver } from "../learning/runs/training-mutations.resolver.js";
import { TrainingPhotoResolver, TrainingRunResolver } from "../learning/runs/training-run.resolver.js";
import { CompareModelsResolver } from "../models/compare-models.resolver.js";
import { ModelMutationsResolver } from "../models/model-mutations.resolver.js";
import { ModelVersionResolver } from "../models/model-version.resolver.js";
import { SimilarItemExplanationResolver } from "../similar/explanation.resolver.js";
import { SimilarRulesResolver } from "../similar/rules/similar-rules.resolver.js";
import {
  SimilarItemConnectionResolver,
  SimilarItemEdgeResolver,
  SimilarItemsResolver,
} from "../similar/similar-items.resolver.js";
import { requireRoles } from "../viewer.js";
import type { GraphqlContext } from "./graphql-context.type.js";

// biome-ignore lint/complexity/noBannedTypes: type-graphql asks for classes as Function
type ResolverClass = Function;

const RESOLVERS: NonEmptyArray<ResolverClass> = [
  CatalogHealthResolver,
  CatalogMutationsResolver,
  DistributionResolver,
  AttributionTokenResolver,
  EvaluationResolver,
  ExperimentsResolver,
  InteractionsResolver,
  ImportRunResolver,
  CompareModelsResolver,
  ModelMutationsResolver,
  ModelVersionResolver,
  ProductConnectionResolver,
  ProductResolver,
  ProgressResolver,
  SimilarItemConnectionResolver,
  SimilarItemEdgeResolver,
  SimilarItemExplanationResolver,
  SimilarItemsResolver,
  SimilarRulesResolver,
  TrainingMutationsResolver,
  TrainingPhotoResolver,
  TrainingProgressResolver,
  TrainingRunResolver,
];

/** type-graphql asks for one as soon as there is a subscription; ours bring their own sources and use no topics. */
const NO_TOPICS: PubSub = {
  publish() {},
  async *subscribe() {},
};

/**
 * The schema over these resolvers, made by compose.ts. Without any it can be printed but not asked.
 */
export function buildGraphqlSchema(resolvers: readonly object[] = []): GraphQLSchema {
  const instances = new Map(resolvers.map((resolver) => [resolver.constructor, resolver]));
  return buildSchemaSync({
    resolvers: RESOLVERS,
    container: {
      get(wanted: ResolverClass) {
        const instance = instances.get(wanted);
        if (!instance) throw new Error(`compose.ts made no ${wanted.name}.`);
        return instance;
      },
    },
    pubSub: NO_TOPICS,
    authChecker: ({ context }: { context: GraphqlContext }, roles: string[]) => requireRoles(context.viewer, roles),
    validate: { forbidUnknownValues: false, validationError: { target: false, value: false } },
  });
}
