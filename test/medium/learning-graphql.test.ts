import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { composeServer } from "../../src/compose-server.js";
import { createJobConsumer, type JobConsumer } from "../../src/jobs/index.js";
import { createTrainModelJob } from "../../src/learning/runs/train-model.job.js";
import { finishRun } from "../../src/learning/runs/training-runs.repository.js";
import { buildServer } from "../../src/server/build-server.js";
import { describeOnBothDatabases, testLogger } from "../support/database.js";
import { playedTraining } from "../support/learning-runs.js";
import { PLAYS } from "../support/learning-trainer.js";
import { asAdmin, askGraphql } from "../support/shop.js";
import { openTinyShop, type TinyShop } from "../support/tiny-shop.js";

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly [field: string]: unknown;
}
interface Payload {
  readonly run: RunAnswer | null;
  readonly preview?: Record<string, unknown> | null;
  readonly userErrors: { field: string[]; code: string; message: string }[];
}

const START = `mutation ($input: StartTrainingInput) { startTraining(input: $input) {
  run { id state recipe positives { by weight } promote parentModel { name } model { id } }
  preview { encoder photos photosMissing labels labelsWithPairs labelledPhotos plan { recipe phases { stage } } }
  userErrors { field code message } } }`;
const changing = (name: string) =>
  `mutation ($id: ID!) { ${name}(id: $id) { run { id state } userErrors { field code message } } }`;

describeOnBothDatabases("training over GraphQL", (_, kind) => {
  let shop: TinyShop;
  let server: Awaited<ReturnType<typeof buildServer>>;
  let parts: ReturnType<typeof composeServer>;
  let address: string;
  let consumer: JobConsumer & { close(graceMs?: number): Promise<void> };
  before(async () => {
    shop = await openTinyShop(kind);
    parts = composeServer(shop.core);
    server = await buildServer(parts);
    address = await server.listen({ host: "127.0.0.1", port: 0 });
    consumer = await createJobConsumer(shop.core.database, testLogger);
  });
  after(async () => {
    await consumer.close(0);
    await server.close();
    await parts.close();
    await shop.close();
  });

  const ask = async <Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> => {
    const answer = await askGraphql<Data>(address, query, variables, asAdmin);
    assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
    return answer.data!;
  };
  const start = async (input?: Record<string, unknown>): Promise<Payload> =>
    (await ask<{ startTraining: Payload }>(START, { input })).startTraining;

  it("is for administrators only", async () => {
    const id = randomUUID();
    for (const query of [
      "mutation { startTraining { run { id } } }",
      `mutation { cancelTraining(id: "${id}") { run { id } } }`,
      `mutation { resumeTraining(id: "${id}") { run { id } } }`,
      "{ trainingRuns { nodes { id } } }",
      `{ trainingRun(id: "${id}") { id } }`,
    ]) {
      const { errors } = await askGraphql(address, query);
      assert.equal(errors?.[0]?.extensions.code, "UNAUTHENTICATED", query);
    }
    const [refused] = await stream(`subscription { trainingProgress(runId: "${id}") { id } }`, {});
    assert.match(JSON.stringify(refused), /"code":"UNAUTHENTICATED"/);
  });

  it("answers hostile and hopeless wishes with userErrors, and starts nothing", async () => {
    const cases: [Record<string, unknown>, string, string[]][] = [
      [{ positives: [{ by: "colour" }] }, "BAD_USER_INPUT", ["input", "positives"]],
      [{ positives: [] }, "BAD_USER_INPUT", ["input", "positives"]],
      [{ positives: [{ by: "category" }, { by: "CATEGORY" }] }, "BAD_USER_INPUT", ["input", "positives"]],
      [{ positives: [{ by: "category", weight: -1 }] }, "BAD_USER_INPUT", ["input", "positives", "0", "weight"]],
      [{ positives: [{ by: "attribute:" }] }, "BAD_USER_INPUT", ["input", "positives"]],
      [{ budgetMinutes: 0 }, "BAD_USER_INPUT", ["input", "budgetMinutes"]],
      [{ budgetMinutes: 1e9 }, "BAD_USER_INPUT", ["input", "budgetMinutes"]],
      [{ seed: -1 }, "BAD_USER_INPUT", ["input", "seed"]],
      [{ onlyLabels: [] }, "BAD_USER_INPUT", ["input", "onlyLabels"]],
      [{ onlyLabels: ["Mugs"], excludeLabels: ["Mugs"] }, "BAD_USER_INPUT", ["input", "excludeLabels"]],
      [{ onlyLabels: ["no such label"] }, "BAD_USER_INPUT", ["input", "onlyLabels"]],
      [{ onlyLabels: ["Mugs"] }, "NOT_ENOUGH_DATA", ["input"]],
      [{ positives: [{ by: "attribute:nothing' OR 1=1 --" }] }, "NOT_ENOUGH_DATA", ["input"]],
      [{ positives: [{ by: "product" }] }, "NOT_ENOUGH_DATA", ["input"]],
    ];
    for (const [input, code, field] of cases) {
      const { run, userErrors } = await start(input);
      assert.equal(run, null);
      assert.deepEqual([userErrors[0]?.code, userErrors[0]?.field], [code, field], JSON.stringify(input));
    }
    const { trainingRuns } = await ask<{ trainingRuns: { nodes: unknown[] } }>("{ trainingRuns { nodes { id } } }");
    assert.deepEqual(trainingRuns.nodes, []);
    for (const name of ["cancelTraining", "resumeTraining"]) {
      for (const id of [randomUUID(), "no-id", "'; DROP TABLE training_run; --"]) {
        const data = await ask<Record<string, Payload>>(changing(name), { id });
        assert.deepEqual([data[name]?.run, data[name]?.userErrors[0]?.code], [null, "TRAINING_RUN_NOT_FOUND"]);
      }
    }
    assert.deepEqual(await ask('{ trainingRun(id: "no-id") { id } }'), { trainingRun: null });
    const cursor = await askGraphql(address, '{ trainingRuns(after: "x") { nodes { id } } }', {}, asAdmin);
    assert.equal(cursor.errors?.[0]?.extensions.code, "BAD_USER_INPUT");
  });

  it("counts without starting, starts, cancels twice and resumes", async () => {
    const dry = await start({ dryRun: true });
    assert.deepEqual(dry, {
      run: null,
      preview: {
        ...{ encoder: "tiny", photos: 48, photosMissing: 0, labels: 4, labelsWithPairs: 4, labelledPhotos: 48 },
        plan: { recipe: "HEAD", phases: [{ stage: "CACHING" }, { stage: "HEAD" }, { stage: "VALIDATION" }] },
      },
      userErrors: [],
    });
    const broken = await start({ dryRun: true, recipe: "LAST_BLOCKS" });
    assert.equal(broken.preview, null);
    assert.ok(broken.userErrors[0]?.code, "an encoder of one layer has no last blocks");
    const selected = await start({ dryRun: true, onlyLabels: ["Mugs", "Home > Bags"] });
    assert.equal(selected.preview?.labelledPhotos, 24);
    const { run } = await start({
      recipe: "HEAD",
      promote: "NEVER",
      positives: [{ by: "category", weight: 3 }, { by: "attribute:color" }],
    });
    assert.deepEqual(
      { ...run, id: null },
      {
        id: null,
        state: "QUEUED",
        recipe: "HEAD",
        positives: [
          { by: "category", weight: 3 },
          { by: "attribute:color", weight: 1 },
        ],
        promote: "NEVER",
        parentModel: { name: "base-1" },
        model: null,
      },
    );
    const id = run!.id;
    const change = async (name: string) => (await ask<Record<string, Payload>>(changing(name), { id }))[name]!;
    assert.deepEqual(await change("cancelTraining"), { run: { id, state: "CANCELLED" }, userErrors: [] });
    const again = await change("cancelTraining");
    assert.deepEqual([again.run?.state, again.userErrors[0]?.code], ["CANCELLED", "TRAINING_RUN_ENDED"]);
    assert.equal((await change("resumeTraining")).run?.state, "QUEUED");
    assert.equal((await change("resumeTraining")).userErrors[0]?.code, "TRAINING_RUN_NOT_RESUMABLE");
    await change("cancelTraining");
  });

  it("shows a run while it goes on, with triplets and suspects as photos and products", async () => {
    await consumer.consume("train-model", { concurrency: 1 }, createTrainModelJob(playedTraining(shop.core)));
    const { run } = await start({ seed: PLAYS.talkative });
    const seen: RunAnswer[] = [];
    const query = `subscription { trainingProgress(runId: "${run!.id}") { id state stage done total } }`;
    for await (const { data } of events(await open(query, asAdmin))) {
      const now = (data as { trainingProgress: RunAnswer }).trainingProgress;
      seen.push(now);
      if (now.state === "REFRESHING")
        await finishRun(shop.core.database, now.id, { gate: { passed: true, reason: "played" } });
    }
    const states = [...new Set(seen.map(({ state }) => state))];
    assert.deepEqual(
      states.filter((state) => state !== "QUEUED"),
      ["RUNNING", "REFRESHING", "SUCCEEDED"],
    );

    const { trainingRun } = await ask<{ trainingRun: RunAnswer & Record<string, never> }>(
      `query ($id: ID!) { trainingRun(id: $id) {
        id state plan { recipe reason device trainPhotos phases { stage } } guards { guard step action }
        epochs { epoch stage loss } result { dims validation { mapAtR } baseValidation { mapAtR } timings { stage seconds } }
        gate { passed verdict reason queries differences { name } worse { label } } failure { code }
        model { name state } triplets(first: 1) { epoch positiveDistance anchor { imageId image { id } product { title } } }
        suspectLabels { label suggested agreement photo { product { id title } } } } }`,
      { id: run!.id },
    );
    const { epochs, model, suspectLabels, triplets, ...rest } = trainingRun as unknown as {
      epochs: { loss: number | null }[];
      model: { state: string };
      suspectLabels: { photo: { product: { id: string; title: string } } }[];
      triplets: { anchor: { imageId: string; image: { id: string }; product: { title: string } } }[];
    };
    assert.deepEqual(rest, {
      id: run!.id,
      state: "SUCCEEDED",
      plan: { recipe: "HEAD", reason: "played", device: "CPU", trainPhotos: 48, phases: [] },
      guards: [{ guard: "NOT_A_NUMBER", step: 30, action: "Back to step 20 at half the rate." }],
      result: {
        dims: 128,
        validation: { mapAtR: 0.7 },
        baseValidation: null,
        timings: [{ stage: "head", seconds: 1 }],
      },
      gate: { passed: true, verdict: "BETTER", reason: "played", queries: 0, differences: [], worse: [] },
      failure: null,
    });
    assert.deepEqual([epochs.length, epochs[2]!.loss], [10, null]);
    assert.equal(model.state, "CANDIDATE");
    assert.equal(triplets.length, 1);
    assert.equal(triplets[0]!.anchor.image.id, triplets[0]!.anchor.imageId);
    assert.match(triplets[0]!.anchor.product.title, /^\w+ (Mugs|Lamps|Bags|Plates)$/);
    assert.match(suspectLabels[0]!.photo.product.id, /^prod_\d+$/);
  });

  it("pages through the runs, newest first", async () => {
    const ids: string[] = [];
    for (let after: string | null = null; ; ) {
      const page: {
        trainingRuns: { edges: { cursor: string; node: { id: string } }[]; pageInfo: { hasNextPage: boolean } };
      } = await ask(
        "query ($after: ID) { trainingRuns(first: 1, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage } } }",
        { after },
      );
      ids.push(...page.trainingRuns.edges.map(({ node }) => node.id));
      if (!page.trainingRuns.pageInfo.hasNextPage) break;
      after = page.trainingRuns.edges.at(-1)!.cursor;
    }
    const rows = await shop.core.database.query<{ id: string }>(
      "SELECT id FROM training_run ORDER BY created_at DESC, id DESC",
    );
    assert.deepEqual(
      ids,
      rows.map(({ id }) => id),
    );
    const { trainingRuns } = await ask<{ trainingRuns: { nodes: { state: string }[] } }>(
      "{ trainingRuns(state: CANCELLED) { nodes { state } } }",
    );
    assert.deepEqual(trainingRuns.nodes, [{ state: "CANCELLED" }]);
  });

  const open = (query: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${address}/graphql/stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
      body: JSON.stringify({ query }),
    });
  const stream = async (query: string, headers: Record<string, string>) => {
    const all: Record<string, unknown>[] = [];
    for await (const event of events(await open(query, headers))) all.push(event);
    return all;
  };
});

/** Answers of a stream, until it completes. */
async function* events(response: Response): AsyncGenerator<Record<string, unknown>> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split("\n\n");
    text = parts.pop()!;
    for (const part of parts) {
      const data = /^event: next\ndata: (.*)$/m.exec(part)?.[1];
      if (data) yield JSON.parse(data) as Record<string, unknown>;
    }
  }
}
