import { Authorized, Query, Resolver } from "type-graphql";
import { CatalogHealthObject } from "./catalog-health.object.js";

/** Counts what is there and what is missing. */
export type ReadCatalogHealth = () => Promise<CatalogHealthObject>;

@Resolver()
export class CatalogHealthResolver {
  constructor(private readonly readHealth: ReadCatalogHealth) {}

  @Authorized("ADMIN")
  @Query(() => CatalogHealthObject, { description: "How complete the catalog and its vectors are." })
  catalogHealth(): Promise<CatalogHealthObject> {
    return this.readHealth();
  }
}
