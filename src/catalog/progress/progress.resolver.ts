import { Arg, Authorized, ID, Resolver, Root, Subscription } from "type-graphql";
import type { GraphqlContext } from "../../server/graphql-context.type.js";
import { EmbeddingProgressObject, ImportRunObject } from "./progress.object.js";

interface Subscribing {
  readonly args: Record<string, unknown>;
  readonly context: GraphqlContext;
}

/** The values come from the context, because type-graphql subscribes before it makes a resolver. */
@Resolver()
export class ProgressResolver {
  @Authorized("ADMIN")
  @Subscription(() => ImportRunObject, {
    description: "An import, each time that it has come further, until it ends.",
    subscribe: ({ args, context }: Subscribing) => context.progress.importRun(String(args.runId), context.signal),
  })
  importProgress(@Root() run: ImportRunObject, @Arg("runId", () => ID) _runId: string): ImportRunObject {
    return run;
  }

  @Authorized("ADMIN")
  @Subscription(() => EmbeddingProgressObject, {
    description: "How far the photos have come, each time that it changes.",
    subscribe: ({ context }: Subscribing) => context.progress.embedding(context.signal),
  })
  embeddingProgress(@Root() progress: EmbeddingProgressObject): EmbeddingProgressObject {
    return progress;
  }
}
