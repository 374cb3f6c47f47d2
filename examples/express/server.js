// @ts-check
import express from "express";
import { graphql } from "graphql";
import { lookalike } from "lookalike";

const plugin = await lookalike({ data: "lookalike-data", publicUrl: "/lookalike" });
const app = express();
app.use(express.json());

// GraphQL, photos and health, as a server of Lookalike's own has them.
app.use("/lookalike", plugin.expressMiddleware);

// A shop without GraphQL asks the schema in its own routes.
app.get("/products/:id/similar", async (request, response) => {
  const { data, errors } = await graphql({
    schema: plugin.schema,
    source: `query ($id: ID!) {
      similarItems(productId: $id, first: 6) { nodes { externalId title images { url } } }
    }`,
    variableValues: { id: request.params.id },
    contextValue: await plugin.createContext(request),
  });
  if (errors) response.status(404).json({ error: errors[0]?.message });
  else response.json(data?.similarItems);
});

const server = app.listen(Number(process.env.PORT ?? 4000), "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") console.log(`listening at http://127.0.0.1:${address?.port}/lookalike/graphql`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close(() => plugin.close());
    server.closeAllConnections();
  });
}
