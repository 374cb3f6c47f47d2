import { open, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { codeOfElementType } from "../element-types.js";
import type { Model, Tensor } from "../graph.type.js";
import { OnnxModelTooLarge } from "../onnx.errors.js";
import { ModelProtoSchema, TensorProto_DataLocation, TensorProtoSchema } from "./onnx_pb.js";
import { largestModelBytes } from "./read-model.js";
import { insideModel, type TensorWriter, writeGraph } from "./write-graph.js";

/** Memory pages: runtimes map external tensors only from multiples of it. */
const externalAlignment = 4096;

export interface WriteModelFileOptions {
  /** Weights of at least this many bytes go to `<file>.data`. Without it everything lies in one file. */
  readonly externalDataFrom?: number;
}

/** @throws OnnxModelTooLarge  before anything is copied */
export function writeModel(model: Model): Uint8Array<ArrayBuffer> {
  refuseTooLarge(model, model.graph.initialisers.values());
  return encodeModel(model, insideModel);
}

/**
 * Writes a model under its final name only when it is complete: to a file beside it, then renamed.
 * @throws OnnxModelTooLarge
 */
export async function writeModelFile(model: Model, path: string, options: WriteModelFileOptions = {}): Promise<void> {
  const { externalDataFrom } = options;
  if (externalDataFrom === undefined) return replaceFile(path, writeModel(model));
  const isExternal = (tensor: Tensor) => tensor.data.byteLength >= externalDataFrom;
  refuseTooLarge(
    model,
    [...model.graph.initialisers.values()].filter((tensor) => !isExternal(tensor)),
  );
  const dataFile = `${basename(path)}.data`;
  const places = await writeExternalData(model, join(dirname(path), dataFile), isExternal);
  const bytes = encodeModel(model, (name, tensor) => {
    const offset = places.get(name);
    if (offset === undefined) return insideModel(name, tensor);
    return create(TensorProtoSchema, {
      name,
      dims: tensor.shape.map(BigInt),
      dataType: codeOfElementType(tensor.elementType),
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [
        { key: "location", value: dataFile },
        { key: "offset", value: String(offset) },
        { key: "length", value: String(tensor.data.byteLength) },
      ],
    });
  });
  await replaceFile(path, bytes);
}

function encodeModel(model: Model, writeInitialiser: TensorWriter): Uint8Array<ArrayBuffer> {
  const { graph } = model;
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(model.irVersion),
      producerName: model.producerName,
      producerVersion: model.producerVersion,
      opsetImport: [
        { domain: "", version: BigInt(graph.opset) },
        ...[...graph.otherOpsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
      ],
      metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
      graph: writeGraph(graph, writeInitialiser),
    }),
  );
}

async function writeExternalData(
  model: Model,
  path: string,
  isExternal: (tensor: Tensor) => boolean,
): Promise<ReadonlyMap<string, number>> {
  const places = new Map<string, number>();
  const partial = `${path}.partial`;
  const file = await open(partial, "w");
  try {
    let end = 0;
    for (const [name, tensor] of model.graph.initialisers) {
      if (!isExternal(tensor)) continue;
      const offset = Math.ceil(end / externalAlignment) * externalAlignment;
      // One write call may take less than it was given.
      let done = 0;
      while (done < tensor.data.byteLength) {
        const { bytesWritten } = await file.write(tensor.data, done, tensor.data.byteLength - done, offset + done);
        done += bytesWritten;
      }
      places.set(name, offset);
      end = offset + tensor.data.byteLength;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  return places;
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.partial`, bytes, { flush: true });
  await rename(`${path}.partial`, path);
}

function refuseTooLarge(model: Model, inside: Iterable<Tensor>): void {
  let bytes = 0;
  for (const tensor of inside) bytes += tensor.data.byteLength;
  if (bytes > largestModelBytes) throw new OnnxModelTooLarge(`The graph "${model.graph.name}"`, bytes);
}
