import { LookalikeError } from "../errors.js";

/** The bytes are not a complete ONNX model. */
export class NotAnOnnxModel extends LookalikeError {
  readonly code = "NOT_AN_ONNX_MODEL";

  constructor(reason: string, options?: ErrorOptions) {
    super(`Not a readable ONNX model: ${reason}. Export or download the file again and compare its size.`, options);
  }
}

/** Protobuf messages end at 2 GB; so does what we read or write in one piece. */
export class OnnxModelTooLarge extends LookalikeError {
  readonly code = "ONNX_MODEL_TOO_LARGE";

  constructor(what: string, bytes: number) {
    super(
      `${what} takes ${(bytes / 2 ** 30).toFixed(2)} GiB; an ONNX file ends at 2 GiB. ` +
        "Keep the weights as external data beside the model, or use a smaller encoder.",
    );
  }
}

/** A tensor whose bytes lie in another file that cannot be had. */
export class ExternalDataUnavailable extends LookalikeError {
  readonly code = "ONNX_EXTERNAL_DATA_UNAVAILABLE";

  constructor(tensor: string, location: string, reason: string, options?: ErrorOptions) {
    super(
      `The weights "${tensor}" lie in the external file "${location}": ${reason}. ` +
        "Put that file beside the .onnx file under the same name, or export the model with its weights inside.",
      options,
    );
  }
}

/** Valid ONNX that this program does not work with. The reason carries the remedy. */
export class OnnxFeatureUnsupported extends LookalikeError {
  readonly code = "ONNX_FEATURE_UNSUPPORTED";
}

/** If, Loop or Scan: the path through the graph is only known while it runs. */
export class DynamicControlFlow extends LookalikeError {
  readonly code = "ONNX_DYNAMIC_CONTROL_FLOW";

  constructor(operator: string, node: string) {
    super(
      `The graph decides while it runs (${operator}, node "${node}"). ` +
        "Export it again by tracing with a fixed input (torch.onnx.export without scripting), or simplify it first.",
    );
  }
}

/** Integer weights and activations: fine to run, impossible to train. */
export class QuantisedGraph extends LookalikeError {
  readonly code = "ONNX_QUANTISED_GRAPH";

  constructor(operator: string, node: string) {
    super(
      `The graph is quantised to integers (${operator}, node "${node}"). Use the fp32 or fp16 file of the same model.`,
    );
  }
}

/** A node whose output shape cannot be known, or whose inputs do not fit its operator. */
export class ShapeUnknown extends LookalikeError {
  readonly code = "ONNX_SHAPE_UNKNOWN";

  constructor(
    readonly operator: string,
    readonly node: string,
    reason: string,
  ) {
    super(`No shape for ${operator} (node "${node}"): ${reason}.`);
  }
}

/** A graph that breaks the rules of the format. */
export class GraphInvalid extends LookalikeError {
  readonly code = "ONNX_GRAPH_INVALID";

  constructor(graph: string, problem: string) {
    super(`The graph "${graph}" is not valid: ${problem}.`);
  }
}
