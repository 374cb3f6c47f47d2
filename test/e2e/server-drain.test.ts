import assert from "node:assert/strict";
import http from "node:http";
import { connect, type Socket } from "node:net";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SERVING, type Service, startService } from "../support/command-line.js";
import { describeOnBothDatabases, openTestDatabase, type TestDatabase } from "../support/database.js";

const BODY = JSON.stringify({ query: "query Kept { products { totalCount } }" });
const CLIENTS = 8;

interface Answer {
  readonly status: number;
  readonly connection: string | undefined;
  readonly body: string;
}

/** One request of a client that keeps its connections, as storefront servers do. */
function ask(agent: http.Agent, address: string, method: "GET" | "POST", body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const request = http.request(address, { agent, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode!, connection: response.headers.connection, body: text }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A request of which only so many characters are sent, until `finish` sends the rest. */
async function startSlowly(address: string, characters: number): Promise<{ finish(): Promise<string> }> {
  const { hostname, port } = new URL(address);
  const socket: Socket = connect(Number(port), hostname);
  let answer = "";
  socket.setEncoding("utf8").on("data", (piece: string) => {
    answer += piece;
  });
  const ended = new Promise<void>((resolve, reject) => {
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
  const head = `POST /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}`;
  const text = `${head}\r\n\r\n${BODY}`;
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  if (characters > 0) await new Promise<void>((resolve) => socket.write(text.slice(0, characters), () => resolve()));
  return {
    async finish() {
      socket.write(text.slice(characters));
      await ended;
      return answer;
    },
  };
}

async function untilRefused(address: string): Promise<void> {
  const { hostname, port } = new URL(address);
  for (let tries = 0; tries < 1200; tries += 1) {
    const refused = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.on("connect", () => {
        socket.destroy();
        resolve(false);
      });
      socket.on("error", () => resolve(true));
    });
    if (refused) return;
    await delay(25);
  }
  throw new Error("The server still takes connections.");
}

describeOnBothDatabases("a server that is told to end", (_, kind) => {
  let test: TestDatabase;
  let service: Service;
  let address: string;

  before(async () => {
    test = await openTestDatabase(kind);
    if (kind === "embedded") await test.database.close();
    const { data, databaseUrl } = test.config;
    service = startService(["serve", "--port", "0", "--no-worker"], {
      LOOKALIKE_DATA: data,
      LOOKALIKE_DRAIN_SECONDS: "4",
      LOOKALIKE_RATE_LIMIT: "0",
      LOOKALIKE_RATE_LIMIT_BURST: "0",
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    });
    address = (await service.saw(SERVING))[1]!;
  });
  after(async () => {
    service.signal("SIGKILL");
    await test.drop();
  });

  it("loses no request: neither those under way, nor those that come on kept connections meanwhile", async () => {
    const agents = Array.from({ length: CLIENTS }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
    let balancerKnows = false;
    const answers: Answer[] = [];
    const clients = agents.map(async (agent) => {
      while (!balancerKnows) answers.push(await ask(agent, `${address}/graphql`, "POST", BODY));
    });
    const balancer = new http.Agent({ keepAlive: true });
    assert.equal((await ask(balancer, `${address}/readyz`, "GET")).status, 200);
    while (answers.length < CLIENTS * 3) await delay(5);
    assert.ok(answers.every(({ connection }) => connection !== "close"));
    const slow = await Promise.all([0, 30, 150].map((characters) => startSlowly(address, characters)));

    service.signal("SIGTERM");
    let probe: Answer;
    do {
      await delay(5);
      probe = await ask(balancer, `${address}/readyz`, "GET");
    } while (probe.status === 200);
    assert.equal(probe.status, 503);
    assert.deepEqual(JSON.parse(probe.body), { status: "draining" });
    // The balancer needs a moment to send nothing more here.
    const seen = answers.length;
    while (answers.length < seen + CLIENTS) await delay(5);
    balancerKnows = true;
    await Promise.all(clients);

    assert.deepEqual(
      answers.filter(({ status, body }) => status !== 200 || body.includes("errors")),
      [],
    );
    assert.ok(answers.slice(-CLIENTS).every(({ connection }) => connection === "close"));
    await untilRefused(address);
    for (const { finish } of slow) assert.match(await finish(), /^HTTP\/1\.1 200 OK[\s\S]*"totalCount":0/);
    assert.equal(await service.ended, 0);
  });
});
