import { readFileSync } from "node:fs";
import path from "node:path";
import { codegen } from "@graphql-codegen/core";
import * as documentNodes from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";
import { packageRoot } from "../../src/database/package-root.js";

export const STOREFRONT = path.join(packageRoot(), "examples", "storefront-react");
export const STOREFRONT_QUERIES = path.join(STOREFRONT, "src", "similar-items.graphql");
export const STOREFRONT_TYPES = path.join(STOREFRONT, "src", "generated.ts");

interface CodegenFile {
  readonly schema: string;
  readonly generates: Record<string, { readonly plugins: readonly string[]; readonly config: object }>;
}

/** The example's generated types, as its `graphql-codegen` makes them of its own codegen.json. */
export async function makeStorefrontTypes(): Promise<string> {
  const settings = JSON.parse(readFileSync(path.join(STOREFRONT, "codegen.json"), "utf8")) as CodegenFile;
  const { plugins, config } = settings.generates["src/generated.ts"]!;
  return codegen({
    filename: STOREFRONT_TYPES,
    schema: parse(readFileSync(path.join(STOREFRONT, settings.schema), "utf8")),
    documents: [{ location: STOREFRONT_QUERIES, document: parse(readFileSync(STOREFRONT_QUERIES, "utf8")) }],
    plugins: plugins.map((name) => ({ [name]: {} })),
    pluginMap: { "typescript-operations": operations, "typed-document-node": documentNodes },
    config: { ...config },
  });
}
