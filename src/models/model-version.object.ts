import { Directive, Field, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { ModelState } from "../generated/prisma/enums.js";
import type { ModelDetails } from "./model-details.type.js";
import type { ModelVersion } from "./model-version.type.js";

registerEnumType(ModelState, {
  name: "ModelState",
  description: "Where a model version stands.",
  valuesConfig: {
    TRAINING: { description: "Being trained." },
    CANDIDATE: { description: "Trained, its vectors kept true beside the active one's." },
    ACTIVE: { description: "The one that answers." },
    RETIRED: { description: "Answered once." },
    FAILED: { description: "Its training did not end well." },
  },
});

@Directive("@cacheControl(inheritMaxAge: true)")
@ObjectType("ModelVersion", { description: "An encoder as it makes vectors: the base model, or one that was trained." })
export class ModelVersionObject {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;

  @Field(() => String, { description: "Name of its encoder." })
  encoder!: string;

  @Field(() => String, { description: "Hash of weights and preprocessing: vectors of another digest are stale." })
  encoderDigest!: string;

  @Field(() => Int, { description: "Length of its vectors." })
  dims!: number;

  @Field(() => ModelState)
  state!: ModelState;

  /** Its history, where it was read with it. */
  details?: ModelDetails;
}

/** A model version as callers see it. */
export function showModel(model: ModelVersion | ModelDetails): ModelVersionObject {
  const { id, name, encoder, encoderDigest, dims, state } = model;
  return {
    id: String(id),
    name,
    encoder,
    encoderDigest,
    dims,
    state,
    ...("metrics" in model ? { details: model } : {}),
  };
}

/** The database id behind a model's id; undefined for anything else. */
export function parseModelId(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
