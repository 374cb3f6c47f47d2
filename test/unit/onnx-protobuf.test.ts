import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { LookalikeError } from "../../src/errors.js";
import {
  attribute,
  type ElementType,
  float32Tensor,
  GraphBuilder,
  int64List,
  type Model,
  modelOf,
  NotAnOnnxModel,
  numbersOf,
  OnnxFeatureUnsupported,
  OnnxModelTooLarge,
  readModel,
  tensorFromNumbers,
  writeModel,
} from "../../src/onnx/index.js";
import {
  TensorProto_DataType as DataType,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
} from "../../src/onnx/protobuf/onnx_pb.js";

const elementTypes: readonly ElementType[] = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
];

function sample(): Model {
  const builder = new GraphBuilder({ name: "sample" });
  const image = builder.input("image", "float32", ["batch", 2, 4, 4]);
  const filters = builder.initialiser("filters", float32Tensor([3, 2, 1, 1], [1, 2, 3, 4, 5, 6]));
  const features = builder.clip(builder.conv(image, filters, undefined, { name: "Conv_1" }), undefined, 6);
  const tail = builder.slice(features, [1], [2 ** 63], [2]);
  builder.output(builder.hardSigmoid(tail, 0.25, 0.5), "features");
  for (const elementType of elementTypes) builder.initialiser(elementType, tensorFromNumbers(elementType, [2], [1, 0]));
  const graph = builder.graph();
  return { ...modelOf(graph), metadata: new Map([["licence", "MIT"]]), producerVersion: "1" };
}

describe("reading and writing a model", () => {
  test("written and read it is the same, and written again the same bytes", () => {
    const bytes = writeModel(sample());
    const model = readModel(bytes);
    assert.deepEqual(model, sample());
    assert.deepEqual(writeModel(model), bytes);
  });

  test("weights are views into the file, not copies", () => {
    const bytes = writeModel(sample());
    assert.equal(readModel(bytes).graph.initialisers.get("filters")?.data.buffer, bytes.buffer);
  });

  test("every kind of attribute survives, also INT64_MAX and a graph inside", () => {
    const model = sample();
    const inner = { ...model.graph, valueTypes: new Map(), initialisers: new Map() };
    const attributes = new Map(
      Object.entries({
        int: attribute.int(-3),
        float: attribute.float(0.5),
        text: attribute.text("größer"),
        ints: attribute.ints([1, -(2 ** 63), 2 ** 63]),
        floats: attribute.floats([0.25, -1]),
        texts: { kind: "strings", value: ["a", "b"] } as const,
        tensor: attribute.tensor(int64List([4, 5])),
        graph: { kind: "graph", value: inner } as const,
      }),
    );
    const node = {
      name: "n",
      operator: "Custom",
      domain: "shop",
      inputs: ["image", "", "x"],
      outputs: ["y"],
      attributes,
    };
    const changed = { ...model, graph: { ...model.graph, nodes: [node], otherOpsets: new Map([["shop", 3]]) } };
    // Graphs inside take the operator sets of the model around them.
    attributes.set("graph", { kind: "graph", value: { ...inner, otherOpsets: new Map([["shop", 3]]) } });
    assert.deepEqual(readModel(writeModel(changed)), changed);
  });

  test("numbers in typed fields come out as those in raw bytes", () => {
    const fields: Record<ElementType, { field: Partial<TensorProto>; code: DataType }> = {
      float32: { field: { floatData: [1.5, -2] }, code: DataType.FLOAT },
      float64: { field: { doubleData: [1.5, -2] }, code: DataType.DOUBLE },
      float16: { field: { int32Data: [0x3e00, 0xc000] }, code: DataType.FLOAT16 },
      bfloat16: { field: { int32Data: [0x3fc0, 0xc000] }, code: DataType.BFLOAT16 },
      int8: { field: { int32Data: [1, -2] }, code: DataType.INT8 },
      int16: { field: { int32Data: [1, -2] }, code: DataType.INT16 },
      int32: { field: { int32Data: [1, -2] }, code: DataType.INT32 },
      int64: { field: { int64Data: [1n, -2n] }, code: DataType.INT64 },
      uint8: { field: { int32Data: [1, 200] }, code: DataType.UINT8 },
      uint16: { field: { int32Data: [1, 60000] }, code: DataType.UINT16 },
      uint32: { field: { uint64Data: [1n, 4000000000n] }, code: DataType.UINT32 },
      uint64: { field: { uint64Data: [1n, 4000000000n] }, code: DataType.UINT64 },
      bool: { field: { int32Data: [1, 0] }, code: DataType.BOOL },
    };
    const large: Partial<Record<ElementType, number[]>> = { uint8: [1, 200], uint16: [1, 60000], bool: [1, 0] };
    for (const elementType of elementTypes) {
      const { field, code } = fields[elementType];
      const model = readModel(
        encode((message) => message.initializer.push({ name: "w", dims: [2n], dataType: code, ...field })),
      );
      const tensor = model.graph.initialisers.get("w");
      const whole = elementType.startsWith("uint") ? [1, 4000000000] : [1, -2];
      const expected = large[elementType] ?? (elementType.includes("float") ? [1.5, -2] : whole);
      assert.ok(tensor !== undefined);
      assert.equal(tensor.elementType, elementType);
      assert.deepEqual(numbersOf(tensor), expected, elementType);
    }
  });

  test("weights that old files list as inputs are no inputs here", () => {
    const bytes = encode((message) => {
      message.initializer.push({ name: "w", dims: [1n], dataType: DataType.FLOAT, floatData: [1] });
      message.input.push({
        name: "w",
        type: { value: { case: "tensorType", value: { elemType: 1, shape: { dim: [] } } } },
      });
    });
    assert.deepEqual(readModel(bytes).graph.inputs, []);
  });
});

describe("refusing what is no model or not one to work with", () => {
  test("every cut through a file is found", () => {
    const bytes = writeModel(sample());
    for (let length = 0; length < bytes.length; length++) {
      try {
        // Metadata is what comes last: without it a file is still a whole model.
        assert.deepEqual(
          readModel(bytes.subarray(0, length)).graph,
          sample().graph,
          `${length} of ${bytes.length} bytes`,
        );
      } catch (error) {
        if (!(error instanceof NotAnOnnxModel)) throw error;
      }
    }
  });

  test("damaged bytes give a typed error or another model, never anything else", () => {
    const bytes = writeModel(sample());
    for (let position = 0; position < bytes.length; position++) {
      const damaged = Uint8Array.from(bytes);
      damaged[position] = (bytes[position] as number) ^ 0x55;
      try {
        readModel(damaged);
      } catch (error) {
        assert.ok(error instanceof LookalikeError, `byte ${position}: ${error}`);
      }
    }
  });

  test("other kinds of files", () => {
    const picture = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    assert.throws(() => readModel(picture), NotAnOnnxModel);
    assert.throws(() => readModel(new TextEncoder().encode("<html>404</html>")), NotAnOnnxModel);
  });

  test("too few bytes for a shape", () => {
    const bytes = encode((message) => {
      message.initializer.push({ name: "w", dims: [3n], dataType: DataType.FLOAT, rawData: new Uint8Array(8) });
    });
    assert.throws(() => readModel(bytes), /"w" has 8 bytes, 12 are needed/);
  });

  test("element types that are not worked with name the tensor", () => {
    const bytes = encode((message) => {
      message.initializer.push({ name: "w", dims: [1n], dataType: DataType.STRING, stringData: [new Uint8Array(1)] });
    });
    assert.throws(
      () => readModel(bytes),
      (error) => error instanceof OnnxFeatureUnsupported && /"w".*STRING/.test(error.message),
    );
  });

  test("functions of the model's own", () => {
    const bytes = encode(() => undefined, { functions: [{ name: "f" }] });
    assert.throws(() => readModel(bytes), /inline/i);
  });

  test("a graph above 2 GiB is refused before it is copied", () => {
    const data = new Uint8Array(2 ** 30);
    const half = { elementType: "uint8", shape: [2 ** 30], data } as const;
    const graph = {
      ...sample().graph,
      initialisers: new Map([
        ["a", half],
        ["b", half],
      ]),
    };
    assert.throws(() => writeModel(modelOf(graph)), OnnxModelTooLarge);
  });
});

type Change = (message: { initializer: unknown[]; input: unknown[] }) => unknown;

/** A model straight from messages, as other programs write it. */
function encode(change: Change, rest: Record<string, unknown> = {}): Uint8Array {
  const graph = { name: "g", initializer: [], input: [] };
  change(graph);
  const init = { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph, ...rest };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init as unknown as ModelProto));
}
