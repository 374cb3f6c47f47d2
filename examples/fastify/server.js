// @ts-check
import fastify from "fastify";
import { lookalike } from "lookalike";

const server = fastify({ logger: { level: "warn" } });

// Photos that Lookalike serves itself have addresses below publicUrl.
const plugin = await lookalike({ data: "lookalike-data", publicUrl: "/lookalike", logger: server.log });
await server.register(plugin.fastifyPlugin, { prefix: "/lookalike" });

server.get("/", async () => ({ shop: "an existing one" }));

const address = await server.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 4000) });
console.log(`listening at ${address}/lookalike/graphql`);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await server.close();
    await plugin.close();
  });
}
