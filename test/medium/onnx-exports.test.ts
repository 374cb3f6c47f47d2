import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import {
  bindDimensions,
  checkGraph,
  foldConstants,
  type Graph,
  inferShapes,
  modelOf,
  readModel,
  writeModel,
} from "../../src/onnx/index.js";
import { tinyExports } from "../support/onnx-exports.js";

const batch = 2;

for (const [title, make] of Object.entries(tinyExports)) {
  for (const opset of [14, 17, 18, 20, 21]) {
    describe(`${title} (version ${opset})`, () => {
      const graph = make(opset);

      test("with the batch open its output is known up to the batch", () => {
        checkGraph(graph);
        assert.equal(inferShapes(graph).outputs[0]?.type?.shape[0], "batch");
      });

      test("with the batch bound every shape is static and as the runtime says", async () => {
        const bound = inferShapes(bindDimensions(graph, { batch }));
        checkGraph(bound);
        const shapes = new Map(bound.valueTypes);
        for (const { shape } of shapes.values()) assert.ok(shape.every((size) => typeof size === "number"));
        const all = { ...bound, outputs: [...shapes].map(([name, type]) => ({ name, type })) };
        for (const [name, { dims, type }] of await run(all)) {
          assert.deepEqual({ elementType: type, shape: dims }, shapes.get(name), name);
        }
      });

      test("folded it holds no shape arithmetic and computes the same", async () => {
        const bound = bindDimensions(graph, { batch });
        const folded = await foldConstants(bound);
        checkGraph(folded);
        const left = new Set(folded.nodes.map(({ operator }) => operator));
        for (const gone of ["Shape", "ConstantOfShape", "Where", "Cast", "Unsqueeze", "Expand"]) {
          assert.ok(!left.has(gone), `${gone} is left`);
        }
        const [before, after] = [await run(bound), await run(folded)];
        assert.deepEqual([...after.keys()], [...before.keys()]);
        assert.deepEqual(after.get("embedding")?.data, before.get("embedding")?.data);
      });

      test("written and read again it computes the same to the last bit", async () => {
        const again = readModel(writeModel(modelOf(graph))).graph;
        assert.deepEqual(again, graph);
        const bound = bindDimensions(again, { batch });
        assert.deepEqual((await run(bound)).get("embedding")?.data, (await run(graph)).get("embedding")?.data);
      });
    });
  }
}

async function run(graph: Graph): Promise<Map<string, RuntimeTensor>> {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 3 });
  const image = Float32Array.from({ length: batch * 3 * 16 * 16 }, (_, index) => Math.sin(index));
  const results = await session.run({ image: new RuntimeTensor("float32", image, [batch, 3, 16, 16]) });
  await session.release();
  return new Map(Object.entries(results));
}
