import { Arg, Authorized, ID, Mutation, Resolver } from "type-graphql";
import { toUserError } from "../catalog/products/user-error.object.js";
import { ModelPayload } from "./model-history.object.js";
import { ModelNotFound } from "./model-promotion.errors.js";
import type { ModelPromotion } from "./model-promotion.type.js";
import { parseModelId, showModel } from "./model-version.object.js";
import type { ModelVersion } from "./model-version.type.js";

@Resolver()
export class ModelMutationsResolver {
  constructor(private readonly promotion: ModelPromotion) {}

  @Authorized("ADMIN")
  @Mutation(() => ModelPayload, {
    description:
      "Makes a model the one that answers. It is refused while vectors are missing, and where the gate did not find it " +
      "better unless `force` is given.",
  })
  promoteModel(
    @Arg("id", () => ID) id: string,
    @Arg("force", () => Boolean, { defaultValue: false }) force: boolean,
  ): Promise<ModelPayload> {
    return answer(id, (modelId) => this.promotion.promote(modelId, { force }));
  }

  @Authorized("ADMIN")
  @Mutation(() => ModelPayload, { description: "Gives the place back to the model that answered before." })
  rollbackModel(): Promise<ModelPayload> {
    return payload([], () => this.promotion.rollback());
  }

  @Authorized("ADMIN")
  @Mutation(() => ModelPayload, {
    description: "Drops a model's vectors and weights. The active one cannot be deleted.",
  })
  deleteModel(@Arg("id", () => ID) id: string): Promise<ModelPayload> {
    return answer(id, (modelId) => this.promotion.delete(modelId));
  }

  @Authorized("ADMIN")
  @Mutation(() => ModelPayload, { description: "Stops the making of a model's vectors. What was made stays." })
  pauseRefresh(@Arg("id", () => ID) id: string): Promise<ModelPayload> {
    return answer(id, (modelId) => this.promotion.pauseRefresh(modelId));
  }

  @Authorized("ADMIN")
  @Mutation(() => ModelPayload, {
    description: "Goes on with it, or makes the missing vectors of a model that answered once.",
  })
  resumeRefresh(@Arg("id", () => ID) id: string): Promise<ModelPayload> {
    return answer(id, (modelId) => this.promotion.resumeRefresh(modelId));
  }
}

function answer(id: string, work: (modelId: number) => Promise<ModelVersion>): Promise<ModelPayload> {
  return payload(["id"], async () => {
    const modelId = parseModelId(id);
    if (modelId === undefined) throw new ModelNotFound(id);
    return work(modelId);
  });
}

async function payload(path: readonly string[], work: () => Promise<ModelVersion>): Promise<ModelPayload> {
  try {
    return { model: showModel(await work()), userErrors: [] };
  } catch (error) {
    return { model: null, userErrors: [toUserError(error, path)] };
  }
}
