import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { describeOnBothDatabases } from "../support/database.js";
import { asAdmin, openShop, type TestShop } from "../support/shop.js";

describeOnBothDatabases("subscriptions as server-sent events", (_, kind) => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop(kind);
  });
  after(() => shop.close());

  const open = (query: string, headers: Record<string, string> = asAdmin): Promise<Response> =>
    fetch(`${shop.address}/graphql/stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
      body: JSON.stringify({ query }),
    });

  /** Answers of a stream, until it completes. */
  async function* answers(response: Response): AsyncGenerator<Record<string, unknown>> {
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split("\n\n");
      text = events.pop()!;
      for (const event of events) {
        const data = /^event: next\ndata: (.*)$/m.exec(event)?.[1];
        if (data) yield JSON.parse(data) as Record<string, unknown>;
      }
    }
  }

  it("follow an import until it ends", async () => {
    const { prisma } = shop.core.database;
    const id = randomUUID();
    await prisma.importRun.create({ data: { id, source: "s", location: "l", format: "csv", state: "RUNNING" } });
    const response = await open(`subscription { importProgress(runId: "${id}") { state rows } }`);
    assert.match(response.headers.get("content-type")!, /text\/event-stream/);
    const seen: unknown[] = [];
    for await (const { data } of answers(response)) {
      seen.push((data as { importProgress: unknown }).importProgress);
      if (seen.length === 1) await prisma.importRun.update({ where: { id }, data: { state: "SUCCEEDED", rows: 7 } });
    }
    assert.deepEqual(seen, [
      { state: "RUNNING", rows: 0 },
      { state: "SUCCEEDED", rows: 7 },
    ]);
  });

  it("tell how far the photos have come, until the reader goes", async () => {
    const response = await open("subscription { embeddingProgress { embeddedPhotos remainingPhotos secondsLeft } }");
    for await (const { data } of answers(response)) {
      assert.deepEqual(data, { embeddingProgress: { embeddedPhotos: 0, remainingPhotos: 0, secondsLeft: null } });
      break;
    }
  });

  it("are for administrators, and for subscriptions only", async () => {
    const query = "subscription { embeddingProgress { embeddedPhotos } }";
    const [refused] = await collect(answers(await open(query, {})));
    assert.match(JSON.stringify(refused), /"code":"UNAUTHENTICATED"/);
    assert.equal((await open(query, { authorization: "Bearer wrong" })).status, 401);
    const other = await open("{ catalogHealth { products } }");
    assert.equal(other.status, 400);
    assert.match(await other.text(), /Only subscriptions are streamed/);
    const broken = await open("subscription {");
    assert.equal(broken.status, 400);
    const [unknown] = await collect(answers(await open("subscription { nothing }")));
    assert.match(JSON.stringify(unknown), /"errors"/);
  });

  it("end when the server closes", async () => {
    const response = await open("subscription { embeddingProgress { embeddedPhotos } }");
    const read = collect(answers(response));
    await delay(200);
    await shop.server.close();
    assert.equal((await read).length, 1);
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
