// @ts-check
import { createServer } from "node:http";
import { createYoga } from "graphql-yoga";
import { lookalike } from "lookalike";

const plugin = await lookalike({ data: "lookalike-data", logger: console });

const yoga = createYoga({
  schema: plugin.schema,
  context: ({ request }) => plugin.createContext(request),
});
const server = createServer(yoga);
server.listen(Number(process.env.PORT ?? 4000), "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") console.log(`listening at http://127.0.0.1:${address?.port}/graphql`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close(() => plugin.close());
    server.closeAllConnections();
  });
}
