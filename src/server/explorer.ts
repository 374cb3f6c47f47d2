import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type { FastifyInstance } from "fastify";

/** GraphiQL and React as their packages ship them for a plain page: nothing is loaded from elsewhere. */
const ASSETS: Readonly<Record<string, { readonly package: string; readonly file: string; readonly type: string }>> = {
  "react.js": { package: "react", file: "umd/react.production.min.js", type: "text/javascript" },
  "react-dom.js": { package: "react-dom", file: "umd/react-dom.production.min.js", type: "text/javascript" },
  "graphiql.js": { package: "graphiql", file: "graphiql.min.js", type: "text/javascript" },
  "graphiql.css": { package: "graphiql", file: "graphiql.min.css", type: "text/css" },
};

/** CodeMirror and the toolbar set styles from script; everything else comes from this server's own files. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: http: https:; " +
  "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lookalike explorer</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/explorer/graphiql.css">
<link rel="stylesheet" href="/explorer/page.css">
</head>
<body>
<div id="explorer">Loading…</div>
<script src="/explorer/react.js"></script>
<script src="/explorer/react-dom.js"></script>
<script src="/explorer/graphiql.js"></script>
<script src="/explorer/page.js"></script>
</body>
</html>
`;

const STYLE = "html, body, #explorer { height: 100%; margin: 0; }\n";

/** What the editor shows at first; `id` is that of a product which is there. */
export function exampleQuery(id: string): string {
  return `# Products that look like one of yours. Press Ctrl+Enter to ask.
# Administrators add {"Authorization": "Bearer TOKEN"} under Headers.
query SimilarItems {
  similarItems(productId: "${id}", first: 6) {
    status
    model { name }
    edges {
      score
      distance
      reason
      matchedImage { url }
      node { id title brand categoryPath price { amount currency } images { url } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;
}

/**
 * The page at / where queries can be tried, offline too.
 * @param findExampleProduct our id of any product, for the query that is shown first
 */
export function addExplorer(fastify: FastifyInstance, findExampleProduct: () => Promise<string | undefined>): void {
  // By way of package.json: React does not export its UMD files, and pages do not ask.
  const folderOf = (name: string): string =>
    path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));

  fastify.get("/", async (_, reply) => reply.redirect("/explorer"));
  fastify.get("/explorer", async (_, reply) =>
    reply.header("content-security-policy", POLICY).type("text/html; charset=utf-8").send(PAGE),
  );
  fastify.get("/explorer/page.css", async (_, reply) => reply.type("text/css; charset=utf-8").send(STYLE));
  fastify.get("/explorer/page.js", async (_, reply) => {
    const query = exampleQuery((await findExampleProduct()) ?? "prod_1");
    return reply.type("text/javascript; charset=utf-8").header("cache-control", "no-store").send(pageScript(query));
  });
  for (const [name, asset] of Object.entries(ASSETS)) {
    fastify.get(`/explorer/${name}`, async (_, reply) => {
      const content = await readFile(path.join(folderOf(asset.package), asset.file));
      return reply.type(`${asset.type}; charset=utf-8`).header("cache-control", "public, max-age=86400").send(content);
    });
  }
}

function pageScript(query: string): string {
  return `const fetcher = GraphiQL.createFetcher({ url: "/graphql" });
ReactDOM.createRoot(document.getElementById("explorer")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: ${JSON.stringify(query)}, shouldPersistHeaders: false }),
);
`;
}
