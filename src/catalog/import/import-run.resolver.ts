import { Max, Min } from "class-validator";
import { Arg, Args, ArgsType, Authorized, Field, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";
import type { Database } from "../../database/database.type.js";
import { ImportIssueObject, ImportRunObject } from "./import-run.object.js";

export const IMPORT_RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

@ArgsType()
export class NewestArgs {
  @Field(() => Int, { defaultValue: 20, description: "1 … 100." })
  @Min(1)
  @Max(100)
  first!: number;
}

@Resolver(() => ImportRunObject)
export class ImportRunResolver {
  constructor(private readonly database: Pick<Database, "prisma">) {}

  @Authorized("ADMIN")
  @Query(() => ImportRunObject, { nullable: true })
  async importRun(@Arg("id", () => ID) id: string): Promise<ImportRunObject | null> {
    return IMPORT_RUN_ID.test(id) ? this.database.prisma.importRun.findUnique({ where: { id } }) : null;
  }

  @Authorized("ADMIN")
  @Query(() => [ImportRunObject], { description: "Imports, newest first." })
  importRuns(@Args(() => NewestArgs) { first }: NewestArgs): Promise<ImportRunObject[]> {
    return this.database.prisma.importRun.findMany({ orderBy: { createdAt: "desc" }, take: first });
  }

  @FieldResolver(() => [ImportIssueObject], { description: "The first rows that were left out." })
  issues(@Root() run: ImportRunObject, @Args(() => NewestArgs) { first }: NewestArgs): Promise<ImportIssueObject[]> {
    return this.database.prisma.importIssue.findMany({
      where: { importRunId: run.id },
      orderBy: { id: "asc" },
      take: first,
    });
  }
}
