import { InferenceSession, Tensor } from "onnxruntime-node";
import { attribute, GraphBuilder, int64List, modelOf, writeModel } from "../onnx/index.js";
import type { UnitVectors } from "./mining.type.js";

/** Rows `from` up to, without, `until` of some vectors. */
export interface Rows {
  readonly vectors: UnitVectors;
  readonly from: number;
  readonly until: number;
}

/** What a comparison leaves out. */
export interface Masks {
  /** A query never meets gallery items of its own group, nor those of a group below 0. `[queries]`, `[gallery]`. */
  readonly groups?: { readonly queries: Int32Array; readonly gallery: Int32Array };
  /** Only similarities below this, a query. `[queries]` */
  readonly below?: Float32Array;
}

/** Similarity of what was left out; below that of any two unit vectors. */
export const LEFT_OUT = -2;

export interface SimilaritySession {
  /** The k largest a query, ties by place: `[queries, k]`; or without k, all: `[queries, gallery]`. */
  run(queries: Rows, gallery: Rows, masks?: Masks): Promise<{ similarities: Float32Array; places?: BigInt64Array }>;
  release(): Promise<void>;
}

export interface SimilarityOptions {
  readonly dims: number;
  readonly k?: number;
  readonly grouped?: boolean;
  readonly limited?: boolean;
  /** All cores by default. */
  readonly threads?: number;
}

/** Inner products of two blocks of vectors as one matrix product of ONNX Runtime, and the largest of each row. */
export async function openSimilaritySession(options: SimilarityOptions): Promise<SimilaritySession> {
  const session = await InferenceSession.create(writeModel(modelOf(similarityGraph(options))), {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
  });
  return {
    async run(queries, gallery, { groups, below } = {}) {
      const results = await session.run({
        queries: matrix(queries),
        gallery: matrix(gallery),
        ...(groups && {
          queryGroups: new Tensor("int32", groups.queries, [groups.queries.length, 1]),
          galleryGroups: new Tensor("int32", groups.gallery, [1, groups.gallery.length]),
        }),
        ...(below && { below: new Tensor("float32", below, [below.length, 1]) }),
      });
      const similarities = results.similarities?.data;
      const places = results.places?.data;
      if (!(similarities instanceof Float32Array)) throw new TypeError("the runtime gave no similarities");
      return places instanceof BigInt64Array ? { similarities, places } : { similarities };
    },
    release: () => session.release(),
  };
}

function matrix({ vectors: { data, dims }, from, until }: Rows): Tensor {
  return new Tensor("float32", data.subarray(from * dims, until * dims), [until - from, dims]);
}

function similarityGraph({ dims, k, grouped = false, limited = false }: SimilarityOptions) {
  const graph = new GraphBuilder();
  const queries = graph.input("queries", "float32", ["Q", dims]);
  const gallery = graph.input("gallery", "float32", ["G", dims]);
  let similarities = graph.gemm(queries, gallery, undefined, { transB: true });
  if (grouped) {
    const own = graph.input("queryGroups", "int32", ["Q", 1]);
    const theirs = graph.input("galleryGroups", "int32", [1, "G"]);
    const never = graph.or(graph.equal(own, theirs), graph.less(theirs, 0));
    similarities = graph.where(never, LEFT_OUT, similarities);
  }
  if (limited) {
    const below = graph.input("below", "float32", ["Q", 1]);
    similarities = graph.where(graph.less(similarities, below), similarities, LEFT_OUT);
  }
  if (k === undefined) {
    graph.output(similarities, "similarities");
  } else {
    const [values, places] = graph.nodes(
      "TopK",
      [similarities, graph.constant(int64List([k]))],
      { axis: attribute.int(-1), largest: attribute.int(1), sorted: attribute.int(1) },
      { outputs: 2 },
    );
    graph.output(values!, "similarities");
    graph.output(places!, "places");
  }
  return graph.graph();
}
