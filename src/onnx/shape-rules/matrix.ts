import { broadcast } from "../dimensions.js";
import type { Dimension } from "../graph.type.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** MatMul as in NumPy: vectors are padded to matrices, axes before the last two broadcast. */
export const matMul: ShapeRule = (call) => {
  const left = call.shape(0);
  const right = call.shape(1);
  if (left.length === 0 || right.length === 0) return call.fail("a scalar is no matrix");
  const matrixLeft = left.length === 1 ? [1, ...left] : left;
  const matrixRight = right.length === 1 ? [...right, 1] : right;
  const inner = matrixLeft.at(-1) as Dimension;
  if (inner !== matrixRight.at(-2)) call.fail(`[${left.join(", ")}] and [${right.join(", ")}] do not multiply`);
  const outer = call.sizes(() => broadcast(matrixLeft.slice(0, -2), matrixRight.slice(0, -2)));
  const rows = left.length === 1 ? [] : [matrixLeft.at(-2) as Dimension];
  const columns = right.length === 1 ? [] : [matrixRight.at(-1) as Dimension];
  return [{ elementType: call.elementType(0), shape: [...outer, ...rows, ...columns] }];
};

/** Gemm: α·A·B + β·C with optional transposes. */
export const gemm: ShapeRule = (call) => {
  const [leftRows, leftColumns] = turned(call.shape(0), call.int("transA") === 1);
  const [rightRows, rightColumns] = turned(call.shape(1), call.int("transB") === 1);
  if (call.shape(0).length !== 2 || call.shape(1).length !== 2) return call.fail("its inputs are not matrices");
  if (leftColumns !== rightRows) call.fail(`${leftColumns} columns meet ${rightRows} rows`);
  const shape = [leftRows as Dimension, rightColumns as Dimension];
  if (call.has(2)) {
    const withBias = call.sizes(() => broadcast(shape, call.shape(2)));
    if (withBias.join() !== shape.join()) call.fail("its bias is larger than its product");
  }
  return [{ elementType: call.elementType(0), shape }];
};

/** Einsum with letters and, in front, an ellipsis. */
export const einsum: ShapeRule = (call) => {
  const equation = (call.text("equation") ?? call.fail("it has no equation")).replaceAll(" ", "");
  const [terms = "", result] = equation.split("->");
  const sizes = new Map<string, Dimension>();
  let ellipsis: Dimension[] = [];
  terms.split(",").forEach((term, position) => {
    const shape = call.shape(position);
    const letters = [...term.replace("...", "")];
    const hidden = shape.length - letters.length;
    if (hidden < 0 || (hidden > 0 && !term.includes("..."))) call.fail(`"${term}" does not fit [${shape.join(", ")}]`);
    const start = term.includes("...") ? term.indexOf("...") : letters.length;
    ellipsis = call.sizes(() => broadcast(ellipsis, shape.slice(start, start + hidden)));
    letters.forEach((letter, index) => {
      const size = shape[index < start ? index : index + hidden] as Dimension;
      const known = sizes.get(letter);
      if (known !== undefined && known !== size && known !== 1 && size !== 1) {
        call.fail(`the letter ${letter} stands for ${known} and ${size}`);
      }
      if (known === undefined || known === 1) sizes.set(letter, size);
    });
  });
  const output = result ?? implicitResult(terms);
  const letters = [...output.replace("...", "")].map(
    (letter) => sizes.get(letter) ?? call.fail(`no size for ${letter}`),
  );
  const start = output.indexOf("...");
  const shape = start < 0 ? letters : [...letters.slice(0, start), ...ellipsis, ...letters.slice(start)];
  return [{ elementType: call.elementType(0), shape }];
};

function turned(shape: readonly Dimension[], transposed: boolean): readonly Dimension[] {
  return transposed ? [...shape].reverse() : shape;
}

/** Without "->": the ellipsis, then every letter that occurs once, in alphabetical order. */
function implicitResult(terms: string): string {
  const letters = [...terms.replaceAll(/[^A-Za-z]/g, "")];
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return (terms.includes("...") ? "..." : "") + once.join("");
}
