import { Field, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { ImportState } from "../../generated/prisma/enums.js";

registerEnumType(ImportState, {
  name: "ImportState",
  description: "How far an import has come.",
  valuesConfig: { PENDING: { description: "Waiting for a worker." } },
});

@ObjectType("ImportIssue", { description: "A row of a feed that was left out." })
export class ImportIssueObject {
  @Field(() => Int, { description: "Line of the feed, counted from 1." })
  line!: number;

  @Field(() => String)
  code!: string;

  @Field(() => String)
  reason!: string;
}

@ObjectType("ImportRun", { description: "One reading of a feed." })
export class ImportRunObject {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  source!: string;

  @Field(() => String, { description: "Address or path of the feed." })
  location!: string;

  @Field(() => String)
  format!: string;

  @Field(() => ImportState)
  state!: ImportState;

  @Field(() => Int, { description: "Rows read so far, good and bad." })
  rows!: number;

  @Field(() => Int)
  created!: number;

  @Field(() => Int)
  updated!: number;

  @Field(() => Int)
  unchanged!: number;

  @Field(() => Int)
  deleted!: number;

  @Field(() => Int, { description: "Rows that were left out; `issues` says why." })
  failed!: number;

  @Field(() => String, { nullable: true, description: "Why the import as a whole did not end well." })
  failure!: string | null;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date, { nullable: true })
  finishedAt!: Date | null;
}
