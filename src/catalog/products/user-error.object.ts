import { Field, ObjectType } from "type-graphql";
import { BadUserInput, codeOf, LookalikeError } from "../../errors.js";

@ObjectType("UserError", { description: "What the caller of a mutation can correct." })
export class UserErrorObject {
  @Field(() => [String], { description: "Path of the offending input field, outermost first." })
  field!: string[];

  @Field(() => String)
  message!: string;

  @Field(() => String)
  code!: string;
}

/**
 * An expected failure as an entry of `userErrors`, its field below `path`.
 * @throws what it was given, when nobody foresaw it
 */
export function toUserError(error: unknown, path: readonly string[]): UserErrorObject {
  if (!(error instanceof LookalikeError)) throw error;
  const field = error instanceof BadUserInput ? error.field : [];
  return { field: [...path, ...field], message: error.message, code: codeOf(error) };
}
