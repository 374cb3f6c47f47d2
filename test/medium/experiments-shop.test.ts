import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Core } from "../../src/compose.js";
import { assignVariant } from "../../src/experiments/assign-variant.js";
import { writeAttributionToken } from "../../src/interactions/attribution-token.js";
import { maintainInteractions } from "../../src/interactions/maintain-interactions.js";
import { updatePopularity } from "../../src/interactions/popularity.js";
import { createServerSecret } from "../../src/interactions/server-secrets.js";
import { lookalike } from "../support/command-line.js";
import { describeOnBothDatabases, testLogger } from "../support/database.js";
import { asAdmin, fillShop, openShop, type TestShop } from "../support/shop.js";
import { refreshHandler, trainModel } from "../support/trained-models.js";

interface Connection {
  readonly attributionToken: string;
  readonly model: { readonly id: string };
  readonly edges: readonly { readonly node: { readonly id: string } }[];
  readonly pageInfo: { readonly endCursor: string };
}
interface Payload {
  readonly recorded: number;
  readonly repeated: number;
  readonly userErrors: readonly { readonly field: readonly string[]; readonly code: string }[];
}
interface Rate {
  readonly successes: number;
  readonly trials: number;
  readonly low: number | null;
  readonly overlapsControl: boolean | null;
}
interface Report {
  readonly modelId: string;
  readonly impressions: number;
  readonly clicks: number;
  readonly visitors: number;
  readonly perItem: { readonly clicks: Rate; readonly purchases: Rate };
  readonly perVisitor: { readonly clicks: Rate };
}

const ANSWER = "attributionToken model { id } edges { node { id } } pageInfo { endCursor }";
const RATE = "{ successes trials share low high overlapsControl }";
const COUNTS = `impressions clicks carts purchases visitors perItem { clicks ${RATE} carts ${RATE} purchases ${RATE} }
  perVisitor { clicks ${RATE} carts ${RATE} purchases ${RATE} }`;
const RECORD = `mutation ($events: [InteractionEvent!]!) { recordInteractions(input: { events: $events }) {
  recorded repeated userErrors { field code message } } }`;
const START = `mutation ($input: StartExperimentInput!) { startExperiment(input: $input) {
  experiment { id state share variants { variant modelId share } } userErrors { field code message } } }`;
const DAY_MS = 86_400_000;

describeOnBothDatabases("experiments and interactions", (_open, kind) => {
  let shop: TestShop;
  let core: Core;
  let base: number;
  let trained: number;
  let seed: string;

  before(async () => {
    shop = await openShop(kind);
    core = shop.core;
    await fillShop(shop);
    base = (await core.models.active()).id;
    trained = (await trainModel(core, { enqueue: false })).model.id;
    seed = `prod_${await core.findProduct("mugs-red")}`;
  });
  after(() => shop.close());

  const ask = async (args: string, headers: Record<string, string> = {}): Promise<Connection> => {
    const { data, errors } = await shop.ask<{ similarItems: Connection }>(
      `{ similarItems(productId: "${seed}", first: 3${args}) { ${ANSWER} } }`,
      {},
      headers,
    );
    assert.equal(errors, undefined);
    return data!.similarItems;
  };
  const record = async (events: readonly object[], headers: Record<string, string> = {}): Promise<Payload> => {
    const { data, errors } = await shop.ask<{ recordInteractions: Payload }>(RECORD, { events }, headers);
    assert.equal(errors, undefined);
    return data!.recordInteractions;
  };
  const codes = ({ userErrors }: Pick<Payload, "userErrors">) =>
    userErrors.map(({ field, code }) => `${field.join(".")} ${code}`);
  const start = async (input: object) => {
    const { data } = await shop.ask<{
      startExperiment: { experiment: { id: string; state: string } | null; userErrors: Payload["userErrors"] };
    }>(START, { input }, asAdmin);
    return data!.startExperiment;
  };
  const later = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
  const variants = (...ids: number[]) => ids.map((modelId) => ({ modelId: String(modelId) }));
  /** A visitor of that variant, as the database id of the experiment decides. */
  const visitorOf = (experiment: string, variant: number, from = 0, weights = [1, 1]): string => {
    const id = Number(experiment.slice("exp_".length));
    const both = [base, trained].map((modelId, place) => ({ modelId, weight: weights[place]! }));
    for (let turn = from; ; turn++) {
      if (assignVariant({ id, share: 1, variants: both }, `v${turn}`)?.variant === variant) return `v${turn}`;
    }
  };

  it("keeps what shoppers did and refuses event by event what is wrong", async () => {
    const { attributionToken, edges } = await ask("");
    const [first, second] = edges.map(({ node }) => node.id);
    const forged = attributionToken.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
    const key = await createServerSecret(core.database, "attribution")();
    const tokenOf = (modelId: number, days: number) =>
      writeAttributionToken({ modelId, answeredAt: new Date(Date.now() - days * DAY_MS) }, key);
    const good = {
      kind: "IMPRESSION",
      productIds: [first, second],
      attributionToken,
      eventId: "seen",
      visitor: "anna",
    };
    const payload = await record([
      good,
      { ...good, attributionToken: forged },
      { ...good, attributionToken: tokenOf(base, 31) },
      { ...good, attributionToken: tokenOf(9_999, 1) },
      { ...good, productIds: [first, "prod_999999"], kind: "CLICK" },
      { ...good, at: later(-2) },
      { ...good, at: later(2) },
      { ...good, visitor: "x".repeat(201) },
      { ...good, kind: "CART", productIds: [] },
    ]);
    assert.deepEqual(codes(payload), [
      "input.events.1.attributionToken ATTRIBUTION_INVALID",
      "input.events.2.attributionToken ATTRIBUTION_EXPIRED",
      "input.events.3.attributionToken ATTRIBUTION_INVALID",
      "input.events.4.productIds.1 PRODUCT_NOT_FOUND",
      "input.events.5.at BAD_USER_INPUT",
      "input.events.6.at BAD_USER_INPUT",
      "input.events.7.visitor BAD_USER_INPUT",
      "input.events.8.productIds BAD_USER_INPUT",
    ]);
    assert.deepEqual([payload.recorded, payload.repeated], [3, 0]);
    const again = await record([good, good, { ...good, eventId: "other" }]);
    assert.deepEqual([again.recorded, again.repeated, again.userErrors], [2, 4, []]);
    const rows = await core.database.query<{ kind: string; seed: bigint; model: number; plain: boolean }>(
      `SELECT kind::text AS kind, seed_product_id AS seed, model_id AS model, encode(visitor, 'escape') LIKE '%anna%' AS plain
       FROM interaction ORDER BY id`,
    );
    assert.deepEqual(
      rows.map((row) => ({ ...row, seed: `prod_${row.seed}` })),
      ["IMPRESSION", "IMPRESSION", "CLICK", "IMPRESSION", "IMPRESSION"].map((each) => ({
        ...{ kind: each, seed, model: base, plain: false },
      })),
    );
  });

  it("takes 500 events at once and no more", async () => {
    const { attributionToken, edges } = await ask("");
    const event = { kind: "IMPRESSION", productIds: [edges[0]!.node.id], attributionToken };
    const payload = await record(Array.from({ length: 500 }, () => event));
    assert.equal(payload.recorded, 500);
    assert.deepEqual(codes(await record(Array.from({ length: 501 }, () => event))), ["input.events BAD_USER_INPUT"]);
    assert.deepEqual(codes(await record([])), ["input.events BAD_USER_INPUT"]);
  });

  it("gives tokens that another process reads", async () => {
    const { attributionToken } = await ask("");
    const key = await createServerSecret(core.database, "attribution")();
    const again = await createServerSecret(core.database, "attribution")();
    assert.deepEqual(key, again);
    const { modelId, seedProductId } = await core.attribution.read(attributionToken);
    assert.deepEqual([modelId, `prod_${seedProductId}`], [base, seed]);
  });

  it("starts no experiment that could not be answered whole", async () => {
    const wrong = async (input: object) => codes(await start({ name: "test", to: later(1), ...input }));
    assert.deepEqual(await wrong({ variants: variants(base, trained) }), ["input MODEL_NOT_READY"]);
    const refresh = refreshHandler(core);
    await refresh.run(trained);
    await refresh.close();
    assert.deepEqual(await wrong({ variants: variants(base) }), ["input.variants BAD_USER_INPUT"]);
    assert.deepEqual(await wrong({ variants: variants(base, base) }), ["input.variants.1.modelId BAD_USER_INPUT"]);
    assert.deepEqual(await wrong({ variants: variants(base, 999) }), ["input MODEL_NOT_FOUND"]);
    assert.deepEqual(await wrong({ variants: variants(base, trained), to: later(-1) }), ["input.to BAD_USER_INPUT"]);
    assert.deepEqual(await wrong({ variants: variants(base, trained), share: 0 }), ["input.share BAD_USER_INPUT"]);
    const { errors } = await shop.ask(START, {
      input: { name: "test", variants: variants(base, trained), to: later(1) },
    });
    assert.equal(errors?.[0]?.extensions.code, "UNAUTHENTICATED");
    assert.equal((await shop.ask("{ experiments { id } }")).errors?.[0]?.extensions.code, "UNAUTHENTICATED");
  });

  it("answers each visitor by one variant's model, and counts what came of it", async () => {
    const { experiment } = await start({ name: "test", variants: variants(base, trained), to: later(7) });
    assert.equal(experiment?.state, "RUNNING");
    const { id } = experiment!;
    assert.deepEqual(codes(await start({ name: "second", variants: variants(base, trained), to: later(1) })), [
      "input EXPERIMENT_OVERLAPS",
    ]);
    // One that comes and goes later changes nobody's variant.
    const next = await start({ name: "next", variants: variants(trained, base), from: later(8), to: later(9) });
    const [control, other] = [visitorOf(id, 0), visitorOf(id, 1)];
    assert.equal((await ask("")).model.id, String(base));
    for (let turn = 0; turn < 2; turn++) {
      assert.equal((await ask(`, visitor: "${control}"`)).model.id, String(base));
      const { model, attributionToken, pageInfo } = await ask(`, visitor: "${other}"`);
      assert.equal(model.id, String(trained));
      assert.deepEqual((await core.attribution.read(attributionToken)).experiment, {
        experimentId: Number(id.slice(4)),
        variant: 1,
      });
      assert.equal((await ask("", { "x-visitor-key": other })).model.id, String(trained));
      // A cursor keeps its model, whoever follows it; the next page of the same visitor is the experiment's too.
      const nextPage = await ask(`, after: "${pageInfo.endCursor}"`);
      assert.equal(nextPage.model.id, String(trained));
      assert.equal((await core.attribution.read(nextPage.attributionToken)).experiment, undefined);
      const own = await ask(`, visitor: "${other}", after: "${pageInfo.endCursor}"`);
      assert.equal((await core.attribution.read(own.attributionToken)).experiment?.variant, 1);
    }
    // Another visitor's page, of another model than this visitor's, is not the experiment's.
    const foreign = await ask(
      `, after: "${(await ask(`, visitor: "${control}"`)).pageInfo.endCursor}", visitor: "${other}"`,
    );
    assert.equal(foreign.model.id, String(base));
    assert.equal((await core.attribution.read(foreign.attributionToken)).experiment, undefined);
    const images = await core.products.imagesOf([BigInt(seed.slice("prod_".length))]);
    const bytes = await core.blobs.read([...images.values()][0]![0]!.contentHash!);
    const picture = `data:image/png;base64,${bytes.toString("base64")}`;
    const byImage = await shop.ask<{ similarItemsByImage: Connection }>(
      `query ($picture: String!) { similarItemsByImage(image: { dataUri: $picture }, first: 2) { ${ANSWER} } }`,
      { picture },
      { "x-visitor-key": other },
    );
    assert.equal(byImage.data!.similarItemsByImage.model.id, String(trained));
    const token = await core.attribution.read(byImage.data!.similarItemsByImage.attributionToken);
    assert.deepEqual([token.seedProductId, token.experiment?.variant], [undefined, 1]);
    const named = await ask(`, visitor: "${other}", options: { modelId: "${base}" }`, asAdmin);
    assert.equal(named.model.id, String(base));
    const { data } = await shop.ask<{ product: { similarItems: { model: { id: string } } } }>(
      `{ product(id: "${seed}") { similarItems(first: 2, visitor: "${other}") { model { id } } } }`,
    );
    assert.equal(data!.product.similarItems.model.id, String(trained));
    await shop.ask(
      "mutation ($id: ID!) { stopExperiment(id: $id) { userErrors { code } } }",
      { id: next.experiment!.id },
      asAdmin,
    );

    for (const [variant, clicks] of [
      [0, 4],
      [1, 36],
    ] as const) {
      let visitor = "";
      let from = 0;
      for (let turn = 0; turn < 40; turn++) {
        visitor = visitorOf(id, variant, from);
        from = Number(visitor.slice(1)) + 1;
        const { attributionToken, edges } = await ask(`, visitor: "${visitor}"`);
        const productIds = edges.map(({ node }) => node.id);
        const shown = { kind: "IMPRESSION", productIds, attributionToken };
        const click = { kind: "CLICK", productIds: productIds.slice(0, 1), attributionToken };
        const sent = turn < clicks ? [shown, click, click] : [shown];
        assert.deepEqual((await record(sent, { "x-visitor-key": visitor })).userErrors, []);
      }
    }
    const answer = await shop.ask<{ experiment: { report: Report[] }; modelReport: { counts: Report } }>(
      `query ($id: ID!, $model: ID!) { experiment(id: $id) { report { modelId ${COUNTS} } }
        modelReport(modelId: $model) { from to model { id } counts { ${COUNTS} } } }`,
      { id, model: String(trained) },
      asAdmin,
    );
    assert.equal(answer.errors, undefined);
    const [first, second] = answer.data!.experiment.report;
    assert.deepEqual([first!.modelId, second!.modelId], [String(base), String(trained)]);
    assert.deepEqual([first!.impressions, first!.clicks, first!.visitors], [120, 8, 40]);
    assert.deepEqual([second!.impressions, second!.clicks, second!.visitors], [120, 72, 40]);
    assert.deepEqual([second!.perItem.clicks.successes, second!.perItem.clicks.trials], [36, 120]);
    assert.deepEqual([second!.perVisitor.clicks.successes, second!.perVisitor.clicks.trials], [36, 40]);
    assert.equal(second!.perVisitor.clicks.overlapsControl, false);
    assert.equal(second!.perItem.purchases.overlapsControl, true);
    assert.equal(first!.perItem.clicks.overlapsControl, null);
    assert.deepEqual(answer.data!.modelReport.counts.perVisitor.clicks.successes, 36);
  });

  it("are listed, reported, stopped and started on the command line", async () => {
    const { data, databaseUrl } = core.config;
    const settings = { LOOKALIKE_DATA: data, ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }) };
    const run = (...args: string[]) => lookalike(["experiments", ...args], settings);
    const listed = JSON.parse((await run("list", "--json")).stdout) as { id: string; state: string }[];
    assert.deepEqual(
      listed.map(({ state }) => state),
      ["ENDED", "RUNNING"],
    );
    const { id } = listed[1]!;
    assert.match((await run("report", id)).stdout, /who clicked[\s\S]*10\.0 %[\s\S]*90\.0 % \(\d+\.\d … \d+\.\d\) \*/);
    const report = JSON.parse((await run("report", id, "--json")).stdout) as { report: { clicks: number }[] };
    assert.deepEqual(
      report.report.map(({ clicks }) => clicks),
      [8, 72],
    );
    const models = `${base}=3,${trained}=1`;
    assert.match((await run("start", "more", "--models", models)).stderr, /"test" \(exp_\d+\) runs from/);
    assert.match((await run("start", "more", "--models", "a,b")).stderr, /models with weights/);
    assert.match((await run("stop", "seven")).stderr, /no experiment "seven"/);
    assert.match((await run("stop", id)).stdout, /has ended/);
    const begun = JSON.parse((await run("start", "more", "--models", models, "--days", "2", "--json")).stdout) as {
      state: string;
      variants: { weight: number }[];
    };
    assert.equal(begun.state, "RUNNING");
    assert.deepEqual(
      begun.variants.map(({ weight }) => weight),
      [3, 1],
    );
  });

  it("keeps the models of an experiment true and undeleted until it ends", async () => {
    const { model: rival } = await trainModel(core, { enqueue: false, dims: 12 });
    await core.database.query(
      "UPDATE model_version SET state = 'RETIRED', retired_at = now() - interval '9 days' WHERE id = $1::int",
      [trained],
    );
    await core.database.query("UPDATE model_version SET state = 'RETIRED', retired_at = now() WHERE id = $1::int", [
      rival.id,
    ]);
    const isLive = async () => (await core.models.live()).some(({ id }) => id === trained);
    assert.ok(await isLive());
    await assert.rejects(core.promotion.delete(trained), { code: "IN_EXPERIMENT" });
    const { keepModels } = core.config;
    await core.promotion.cleanUp();
    assert.ok(keepModels >= 1 && (await core.models.find(trained)));
    const [running] = await core.experiments
      .list()
      .then((all) => all.filter((each) => core.experiments.stateOf(each) === "RUNNING"));
    const visitor = visitorOf(`exp_${running!.id}`, 1, 0, [3, 1]);
    assert.equal((await ask(`, visitor: "${visitor}"`)).model.id, String(trained));
    await core.experiments.stop(running!.id);
    await assert.rejects(core.experiments.stop(running!.id), { code: "EXPERIMENT_ENDED" });
    assert.equal(await isLive(), false);
    assert.equal((await ask(`, visitor: "${visitor}"`)).model.id, String(base));
    await core.promotion.delete(trained);
  });

  it("makes products popular by what shoppers wanted, newer events first, and forgets old ones", async () => {
    await core.database.query("DELETE FROM interaction");
    const ids = (await core.database.query<{ id: bigint }>("SELECT id FROM product ORDER BY id LIMIT 4")).map(
      ({ id }) => id,
    );
    const [seen, old, fresh, bought] = ids as [bigint, bigint, bigint, bigint];
    const insert = (id: bigint, what: string, days: number) =>
      core.database.query(
        `INSERT INTO interaction (kind, product_id, model_id, answer, at)
         VALUES ($1::interaction_kind, $2::bigint, $3::int, '\\x00', now() - make_interval(days => $4::int))`,
        [what, String(id), base, days],
      );
    await insert(seen, "IMPRESSION", 0);
    await insert(old, "CLICK", 28);
    await insert(fresh, "CLICK", 0);
    await insert(bought, "PURCHASE", 28);
    await updatePopularity(core.database);
    const scores = new Map(
      (
        await core.database.query<{ id: bigint; score: number }>(
          "SELECT product_id AS id, score FROM product_popularity",
        )
      ).map(({ id, score }) => [id, score]),
    );
    assert.deepEqual([...scores.keys()].sort(), [old, fresh, bought].sort());
    assert.ok(Math.abs(scores.get(fresh)! / scores.get(old)! - 4) < 1e-3, "two half-lives");
    assert.ok(Math.abs(scores.get(bought)! / scores.get(old)! - 5) < 1e-3);
    assert.equal(await updatePopularity(core.database), 0);
    await insert(old, "CART", 100);
    assert.equal(await updatePopularity(core.database), 1);
    const forgotten = await maintainInteractions({ database: core.database, config: core.config, logger: testLogger });
    assert.equal(forgotten, 1);
    assert.equal(await updatePopularity(core.database), 1);
  });
});
