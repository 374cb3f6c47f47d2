import { InferenceSession, Tensor } from "onnxruntime-node";
import { GraphBuilder, modelOf, writeModel } from "../../onnx/index.js";

/** Row-major. */
export interface FloatMatrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Products of matrices through ONNX Runtime's Gemm: all cores, 60 times a plain loop (docs/decisions/150). */
export interface MatrixProducts {
  /** a · b, either of them transposed on request. */
  multiply(
    a: FloatMatrix,
    b: FloatMatrix,
    transposed?: { readonly a?: boolean; readonly b?: boolean },
  ): Promise<FloatMatrix>;
  close(): Promise<void>;
}

/** @param threads cores to use; all of them when absent */
export function createMatrixProducts(threads?: number): MatrixProducts {
  const sessions = new Map<string, Promise<InferenceSession>>();

  function sessionFor(transA: boolean, transB: boolean): Promise<InferenceSession> {
    const form = `${transA} ${transB}`;
    const known = sessions.get(form);
    if (known !== undefined) return known;
    const builder = new GraphBuilder({ name: "product" });
    const a = builder.input("a", "float32", transA ? ["inner", "rows"] : ["rows", "inner"]);
    const b = builder.input("b", "float32", transB ? ["columns", "inner"] : ["inner", "columns"]);
    builder.output(builder.gemm(a, b, undefined, { transA, transB }), "product");
    const opened = InferenceSession.create(writeModel(modelOf(builder.graph())), {
      executionProviders: ["cpu"],
      logSeverityLevel: 3,
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    });
    sessions.set(form, opened);
    return opened;
  }

  return {
    async multiply(a, b, transposed = {}) {
      const session = await sessionFor(transposed.a ?? false, transposed.b ?? false);
      const { product } = await session.run({
        a: new Tensor("float32", a.data, [a.rows, a.columns]),
        b: new Tensor("float32", b.data, [b.rows, b.columns]),
      });
      if (!(product?.data instanceof Float32Array)) throw new TypeError("the runtime gave no floats for a product");
      return { data: product.data, rows: Number(product.dims[0]), columns: Number(product.dims[1]) };
    },
    async close() {
      const opened = await Promise.all(sessions.values());
      sessions.clear();
      await Promise.all(opened.map((session) => session.release()));
    },
  };
}
