import { createHash } from "node:crypto";
import type { Database } from "../database/database.type.js";
import { arrangeWindow, type WindowRow } from "./arrange-window.js";
import { ringAt } from "./category-guard.js";
import { fallbackStatement } from "./fallback-sql.js";
import { type Statement, windowStatement } from "./search-sql.js";
import { type SeedRow, seedProductsStatement, toSeedProduct, vectorsStatement } from "./seed-products-sql.js";
import type { SearchedModel } from "./seed-sql.js";
import type { ScanChoice, Selectivity } from "./selectivity.js";
import { decodeVector } from "./vector-format.js";
import { ModelVectorsGone, VectorLengthWrong } from "./vectors.errors.js";
import type { NeighbourSearch, WindowRequest } from "./vectors.type.js";

const MOST_PREPARED = 200;

/** Finds neighbours in one statement a window; see `NeighbourSearch`. */
export function createNeighbourSearch(database: Database, selectivity: Selectivity): NeighbourSearch {
  const models = new Map<number, SearchedModel>();
  const nameOf = createStatementNames();
  /** Models in which a product with several photos was met. */
  const severalPhotos = new Set<number>();

  async function modelOf(id: number): Promise<SearchedModel> {
    const known = models.get(id);
    if (known !== undefined) return known;
    const [row] = await database.query<SearchedModel>("SELECT id, dims FROM model_version WHERE id = $1", [id]);
    if (row === undefined) throw new ModelVectorsGone(id);
    models.set(id, row);
    return row;
  }

  async function run<Row>({ text, values }: Statement, modelId: number): Promise<Row[]> {
    try {
      const name = nameOf(text);
      return await database.query<Row>(text, values, name === undefined ? {} : { name });
    } catch (error) {
      throw explained(error, modelId);
    }
  }

  return {
    async windows(request) {
      const model = await modelOf(request.modelId);
      const choice = await choose(request, selectivity);
      const ask = (pairs: boolean): Promise<WindowRow[]> =>
        run<WindowRow>(windowStatement(request, model, choice, database.kind, pairs), model.id);
      let rows = await ask(severalPhotos.has(model.id));
      if (rows.some(({ several }) => several)) {
        severalPhotos.add(model.id);
        rows = await ask(true);
      }
      const active = rows[0]?.active_model_id;
      return {
        ...(active == null ? {} : { activeModelId: active }),
        windows: rows.map((row) => arrangeWindow(row, request)),
      };
    },
    async fallback(request) {
      const model = await modelOf(request.modelId);
      const rows = await run<{ id: bigint; score: number | null }>(
        fallbackStatement(request, model, database.kind),
        model.id,
      );
      return rows.map(({ id, score }) => ({ productId: id, ...(score === null ? {} : { score }) }));
    },
    async seedProducts(modelId, ids) {
      const { id } = await modelOf(modelId);
      return (await run<SeedRow>(seedProductsStatement(id, ids), id)).map(toSeedProduct);
    },
    async vectorsOf(modelId, productIds) {
      const { id } = await modelOf(modelId);
      const rows = await run<{ product_id: bigint; vec: Buffer }>(vectorsStatement(id, productIds), id);
      return new Map(rows.map((row) => [row.product_id, decodeVector(row.vec)]));
    },
  };
}

async function choose(request: WindowRequest, selectivity: Selectivity): Promise<ScanChoice> {
  if (request.scan !== "auto") return { scan: request.scan };
  const { seeds, level = 0, filter } = request;
  // The categories of a blend are known here, those of a product in the statement.
  const own = seeds.by === "blend" && request.sameCategory && seeds.categories.length > 0;
  const where = own ? ringAt(seeds.categories, level) : undefined;
  const guarded = request.sameCategory && (seeds.by === "product" || seeds.by === "external");
  return selectivity.choose(request.modelId, filter, guarded, where);
}

/**
 * Names of prepared statements: Postgres then plans each shape of search once a connection. Both ends keep a prepared
 * statement for as long as the connection lives, so shapes beyond the first 200 (callers choose how many categories and
 * attribute values a filter lists) go without.
 */
function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MOST_PREPARED) return known;
    const name = `search_${createHash("sha1").update(text).digest("base64url")}`;
    names.set(text, name);
    return name;
  };
}

function explained(error: unknown, modelId: number): unknown {
  switch ((error as { code?: string }).code) {
    case "42P01": // undefined_table
      return new ModelVectorsGone(modelId, { cause: error });
    case "22000": // data_exception: "different halfvec dimensions"
      return new VectorLengthWrong(modelId, { cause: error });
    default:
      return error;
  }
}
