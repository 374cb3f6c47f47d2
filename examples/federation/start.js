// @ts-check
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { ApolloGateway, IntrospectAndCompose } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { startProducts } from "./products.js";

const products = await startProducts();

// `lookalike serve --subgraph`, as it runs beside a router in production too.
const command = path.join(
  path.dirname(createRequire(import.meta.url).resolve("lookalike/package.json")),
  "dist/src/cli/main.js",
);
const lookalike = spawn(process.execPath, [command, "serve", "--subgraph", "--port", "0"], {
  stdio: ["ignore", "inherit", "pipe"],
});
/** @type {string} */
const subgraph = await new Promise((resolve, reject) => {
  lookalike.once("exit", () => reject(new Error("lookalike serve ended; its log says why.")));
  createInterface({ input: lookalike.stderr }).on("line", (line) => {
    console.error(line);
    const address = /^Subgraph at (\S+)$/.exec(line)?.[1];
    if (address !== undefined) resolve(address);
  });
});

const gateway = new ApolloGateway({
  supergraphSdl: new IntrospectAndCompose({
    subgraphs: [
      { name: "products", url: products.url },
      { name: "lookalike", url: subgraph },
    ],
  }),
});
const server = new ApolloServer({ gateway, stopOnTerminationSignals: false });
const { url } = await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port: Number(process.env.PORT ?? 4000) },
});
console.log(`listening at ${url}`);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await server.stop();
    await products.stop();
    lookalike.kill("SIGTERM");
    await once(lookalike, "exit");
  });
}
