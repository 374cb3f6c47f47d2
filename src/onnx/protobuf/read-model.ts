import { readFile, stat } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { messageOf } from "../../errors.js";
import type { Model } from "../graph.type.js";
import { NotAnOnnxModel, OnnxFeatureUnsupported, OnnxModelTooLarge } from "../onnx.errors.js";
import { type ExternalData, externalDataBeside, noExternalData } from "./external-data.js";
import { type ModelProto, ModelProtoSchema } from "./onnx_pb.js";
import { readGraph } from "./read-graph.js";

/** Protobuf's own limit. */
export const largestModelBytes = 2 ** 31 - 1;

/**
 * Reads an ONNX file and the external data beside it.
 * @throws OnnxModelTooLarge, NotAnOnnxModel, ExternalDataUnavailable, OnnxFeatureUnsupported
 */
export async function readModelFile(path: string): Promise<Model> {
  const { size } = await stat(path);
  if (size > largestModelBytes) throw new OnnxModelTooLarge(`The file "${path}"`, size);
  const { buffer, byteOffset, byteLength } = await readFile(path);
  return decodeModel(new Uint8Array(buffer, byteOffset, byteLength), externalDataBeside(path));
}

/**
 * Reads an ONNX model that carries its weights inside. Weights stay views into `bytes`.
 * @throws OnnxModelTooLarge, NotAnOnnxModel, ExternalDataUnavailable, OnnxFeatureUnsupported
 */
export function readModel(bytes: Uint8Array): Model {
  if (bytes.byteLength > largestModelBytes) throw new OnnxModelTooLarge("The model", bytes.byteLength);
  return decodeModel(bytes, noExternalData);
}

function decodeModel(bytes: Uint8Array, external: ExternalData): Model {
  const message = parse(bytes);
  if (message.graph === undefined || message.opsetImport.length === 0) {
    throw new NotAnOnnxModel("it holds no graph and no operator set");
  }
  if (message.functions.length > 0) {
    throw new OnnxFeatureUnsupported(
      `The model defines functions of its own ("${message.functions[0]?.name}"). ` +
        "Inline them first (onnx.inliner.inline_local_functions) or export with a newer exporter.",
    );
  }
  const opsets = new Map(
    message.opsetImport.map(({ domain, version }) => [domain === "ai.onnx" ? "" : domain, Number(version)]),
  );
  const opset = opsets.get("");
  if (opset === undefined) throw new NotAnOnnxModel("it names no version of the standard operators");
  opsets.delete("");
  return {
    graph: readGraph(message.graph, { opset, otherOpsets: opsets }, external),
    irVersion: Number(message.irVersion),
    producerName: message.producerName,
    producerVersion: message.producerVersion,
    metadata: new Map(message.metadataProps.map(({ key, value }) => [key, value])),
  };
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new NotAnOnnxModel(`it breaks off or is another kind of file (${messageOf(error)})`, { cause: error });
  }
}
