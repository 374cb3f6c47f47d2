import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { composeServer } from "../../src/compose-server.js";
import { buildServer, type ServerParts } from "../../src/server/build-server.js";
import { buildGraphqlSchema } from "../../src/server/graphql-schema.js";
import { createSender, judge, type Sender } from "./random-answers.js";
import { createRandom, type Random } from "./random-catalog.js";
import { createRandomDocuments } from "./random-documents.js";
import { createRandomRequests, type RandomRequest } from "./random-requests.js";
import { createRandomValues } from "./random-values.js";
import { ADMIN_TOKEN, askGraphql } from "./shop.js";
import { openTinyShop } from "./tiny-shop.js";

export interface RandomRun {
  readonly seed: number;
  readonly documents: number;
  readonly seconds: number;
  /** What went wrong, with what was sent; the first of them. */
  readonly problems: { readonly problem: string; readonly request: RandomRequest }[];
  /** How often each status and each code was answered. */
  readonly statuses: Record<string, number>;
  readonly codes: Record<string, number>;
  readonly unhandled: string[];
  /** After a quarter of the documents, and at the end, in MiB. */
  readonly memory: { readonly warm: Memory; readonly end: Memory };
}

export interface Memory {
  readonly rss: number;
  /** Live after a collection, buffers included. */
  readonly heap: number;
}

const LANES = 4;
const KEPT_PROBLEMS = 20;

/** Asks a real server over HTTP, with a small catalog in an embedded database, documents drawn from a seed. */
export async function runRandomDocuments({
  documents,
  seed,
  onAnswer,
}: {
  readonly documents: number;
  readonly seed: number;
  /** After each answer: how many there are, and how long this one took. */
  readonly onAnswer?: (answers: number, milliseconds: number, request: RandomRequest) => void;
}): Promise<RandomRun> {
  const unhandled: string[] = [];
  const note = (error: unknown): void =>
    void unhandled.push(error instanceof Error ? (error.stack ?? "") : String(error));
  process.on("unhandledRejection", note);
  process.on("uncaughtExceptionMonitor", note);
  const shop = await openTinyShop("embedded", 1, { rateLimitPictures: 0, subgraph: true });
  const parts = composeServer(shop.core);
  const server = await buildServer(parts);
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  const sender = createSender(address, LANES);
  try {
    const next = await drawRequests(createRandom(seed), address, parts.subgraph);
    const tally = createTally();
    let answers = 0;
    const askOne = async (): Promise<void> => {
      const request = next();
      const sentAt = Date.now();
      await tally.add(request, sender);
      answers += 1;
      onAnswer?.(answers, Date.now() - sentAt, request);
    };
    const ask = async (total: number): Promise<void> => {
      let left = total;
      const lane = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          await askOne();
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    };
    const startedAt = Date.now();
    const warmUp = Math.ceil(documents / 4);
    await ask(warmUp);
    const warm = memory();
    await ask(documents - warmUp);
    const end = memory();
    const seconds = (Date.now() - startedAt) / 1000;
    return { seed, documents, seconds, ...tally.result(), unhandled, memory: { warm, end } };
  } finally {
    sender.close();
    await server.close();
    await parts.close();
    await shop.close();
    process.off("unhandledRejection", note);
    process.off("uncaughtExceptionMonitor", note);
  }
}

async function drawRequests(
  random: Random,
  address: string,
  subgraph: ServerParts["subgraph"],
): Promise<() => RandomRequest> {
  const facts = await factsOf(address);
  const values = createRandomValues(random, facts);
  const tame = createRandomValues(random, facts, true);
  const schema = buildGraphqlSchema();
  const documents = new Map([["/graphql", createRandomDocuments(schema, random, values, tame)]]);
  if (subgraph) documents.set("/subgraph", createRandomDocuments(subgraph(schema), random, values, tame));
  return createRandomRequests(documents, random, values, ADMIN_TOKEN);
}

function createTally() {
  const problems: RandomRun["problems"] = [];
  const statuses: Record<string, number> = {};
  const codes: Record<string, number> = {};
  const count = (counts: Record<string, number>, name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const object = (problem: string, request: RandomRequest): void => {
    if (problems.length < KEPT_PROBLEMS) problems.push({ problem, request });
  };
  return {
    async add(request: RandomRequest, sender: Sender): Promise<void> {
      try {
        const answer = await sender.send(request);
        const verdict = judge(request, answer);
        count(statuses, String(answer.status));
        for (const code of verdict.codes) count(codes, code);
        if (verdict.problem) object(verdict.problem, request);
      } catch (error) {
        object(String(error), request);
      }
    },
    result: () => ({ problems, statuses, codes }),
  };
}

async function factsOf(address: string) {
  const { data } = await askGraphql<{
    products: { edges: { cursor: string; node: { id: string; externalId: string } }[] };
  }>(address, "{ products(first: 50) { edges { cursor node { id externalId } } } }");
  const edges = data!.products.edges;
  const productId = edges[0]!.node.id;
  const similar = await askGraphql<{ similarItems: { edges: { cursor: string }[] } }>(
    address,
    "query ($productId: ID!) { similarItems(productId: $productId, first: 5) { edges { cursor } } }",
    { productId },
  );
  return {
    productIds: edges.map(({ node }) => node.id),
    externalIds: edges.map(({ node }) => node.externalId),
    cursors: [...edges, ...similar.data!.similarItems.edges].map(({ cursor }) => cursor),
  };
}

/** Collects garbage first, so that what is left is what is held. */
function memory(): Memory {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  return { rss: mebibytes(rss), heap: mebibytes(heapUsed + external) };
}
