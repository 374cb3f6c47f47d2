import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { differentiate } from "../../src/autodiff/differentiate.js";
import { nameOutputs } from "../../src/autodiff/name-outputs.js";
import { GraphBuilder, printGraph } from "../../src/onnx/index.js";

/** The example of docs/training-engine.md: y = relu(x · w), loss = mean(y²). */
function example(): string {
  const g = new GraphBuilder({ name: "example" });
  const x = g.input("x", "float32", [4, 3]);
  const w = g.input("w", "float32", [3, 2]);
  const y = g.relu(g.matMul(x, w, "product"), "y");
  const loss = g.reduceMean(g.mul(y, y, "square"), [0, 1], false, "loss");
  const { builder, gradients } = differentiate(g.graph(), loss.name, ["w"]);
  return printGraph(
    nameOutputs(
      builder.graph(),
      new Map([
        ["loss", loss.name],
        ["gradient/w", gradients.get("w")?.name ?? ""],
      ]),
    ),
  );
}

function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!hasPackage(folder)) folder = path.dirname(folder);
  return folder;
}

function hasPackage(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")).name === "lookalike";
  } catch {
    return false;
  }
}

it("the printed example in docs/training-engine.md is what the code prints", () => {
  const page = readFileSync(path.join(packageRoot(), "docs", "training-engine.md"), "utf8");
  const printed = page.match(/<!-- printed by test\/unit\/training-example.test.ts -->\n+```text\n([\s\S]*?)```/)?.[1];
  assert.equal(printed, example());
});
