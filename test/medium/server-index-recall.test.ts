import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createModelVersions, type ModelVersions } from "../../src/models/index.js";
import { sampleIndexRecall } from "../../src/server/operate/index-recall.js";
import { createVectors, type NeighbourSearch, type Vectors } from "../../src/vectors/index.js";
import { openTestDatabase, postgresMissing, type TestDatabase, testLogger } from "../support/database.js";
import { drawCatalog, loadCatalog } from "../support/random-catalog.js";

const DIMS = 16;

describe("the recall of the index (postgres)", { skip: postgresMissing }, () => {
  let test: TestDatabase;
  let vectors: Vectors;
  let models: ModelVersions;
  let modelId: number;

  before(async () => {
    test = await openTestDatabase("postgres");
    const { database } = test;
    vectors = createVectors({ database, logger: testLogger, hnswFromProducts: 1000 });
    models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: DIMS })).id;
  });
  after(() => test.drop());

  const sample = (search: Pick<NeighbourSearch, "windows"> = vectors.search): Promise<number | undefined> =>
    sampleIndexRecall({ database: test.database, models, search });

  it("is not measured without products, and without an index", async () => {
    assert.equal(await sample(), undefined);
    await loadCatalog(test.database, vectors, modelId, drawCatalog(5, 3000, DIMS));
    await test.database.query("ANALYZE");
    assert.equal(await sample(), undefined);
  });

  it("is the share of the true neighbours that an index finds", async () => {
    assert.equal(await vectors.ensureIndex(modelId), "hnsw");
    let sum = 0;
    for (let drawn = 0; drawn < 10; drawn += 1) sum += (await sample())!;
    assert.ok(sum / 10 > 0.9 && sum / 10 <= 1, `recall ${sum / 10}`);
  });

  it("falls when the index loses neighbours", async () => {
    const losing: Pick<NeighbourSearch, "windows"> = {
      async windows(request) {
        const { windows } = await vectors.search.windows(request);
        const half = windows.map((window) => ({ ...window, items: window.items.filter((_, at) => at % 2 === 0) }));
        return { windows: request.scan === "exact" ? windows : half };
      },
    };
    const found = await sample(losing);
    assert.ok(found !== undefined && found > 0.3 && found <= 0.55, `recall ${found}`);
  });
});
