import type { RequestListener } from "node:http";
import type { GraphQLSchema } from "graphql";

interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly context?: (initial: { readonly request: Request }) => unknown;
  readonly maskedErrors?: boolean;
  readonly logging: false;
}

/** Its own types would bring those of browsers to every file that is compiled together with this one. */
const name: string = "graphql-yoga";
export const { createYoga } = (await import(name)) as { createYoga(options: YogaOptions): RequestListener };
