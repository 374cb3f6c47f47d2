import { Directive, Field, ObjectType } from "type-graphql";

@Directive("@cacheControl(inheritMaxAge: true)")
@ObjectType("PageInfo", { description: "Relay's page information. Paging goes forwards only." })
export class PageInfoObject {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Always false: paging goes forwards only." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: "Give it as `after` to get the next page." })
  endCursor!: string | null;
}

/** Relay's page information of edges that are already cut to the page. */
export function toPageInfo(edges: readonly { readonly cursor: string }[], hasNextPage: boolean): PageInfoObject {
  return {
    hasNextPage,
    hasPreviousPage: false,
    startCursor: edges[0]?.cursor ?? null,
    endCursor: edges.at(-1)?.cursor ?? null,
  };
}
