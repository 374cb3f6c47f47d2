import { createHash } from "node:crypto";
import type { Database } from "../database/database.type.js";
import { newestStatement } from "./newest-sql.js";
import { type SearchedModel, type Statement, WINDOW, windowStatement } from "./search-sql.js";
import type { ScanChoice, Selectivity } from "./selectivity.js";
import { ModelVectorsGone, VectorLengthWrong } from "./vectors.errors.js";
import type { NeighbourSearch, SearchWindow, Seed, WindowItem, WindowRequest } from "./vectors.type.js";

interface WindowRow {
  readonly seed_id: bigint | null;
  readonly sources: string[];
  readonly category_path: string[];
  readonly group_key: string | null;
  readonly embedded: boolean;
  readonly broad: boolean;
  readonly active_model_id: number | null;
  readonly ids: bigint[] | null;
  readonly ranks: number[] | null;
  readonly image_ids: (bigint | null)[] | null;
  readonly query_image_ids: (bigint | null)[] | null;
  /** Products that were found, the largest rank in the window, and 1 when several photos of one were not compared. */
  readonly edge: [number, number | null, number | null] | null;
  readonly last_id: bigint | null;
}

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
      if (request.match === "BEST_IMAGE" && rows.some(({ edge }) => edge?.[2] === 1)) {
        severalPhotos.add(model.id);
        rows = await ask(true);
      }
      const active = rows[0]?.active_model_id;
      return {
        ...(active == null ? {} : { activeModelId: active }),
        windows: rows.map((row) => toWindow(row)),
      };
    },
    async newest(request) {
      const model = await modelOf(request.modelId);
      const rows = await run<{ id: bigint }>(newestStatement(request, model, database.kind), model.id);
      return rows.map(({ id }) => id);
    },
  };
}

async function choose(request: WindowRequest, selectivity: Selectivity): Promise<ScanChoice> {
  if (request.scan !== "auto") return { scan: request.scan };
  const guarded = request.sameCategory && request.seeds.by !== "picture";
  return selectivity.choose(request.modelId, request.filter, guarded);
}

function toWindow(row: WindowRow): SearchWindow {
  const items = (row.ids ?? []).map((productId, at): WindowItem => {
    const matched = row.image_ids?.[at];
    const query = row.query_image_ids?.[at];
    return {
      productId,
      distance: Math.min(2, Math.max(0, 1 + row.ranks![at]!)),
      ...(matched == null ? {} : { matchedImageId: matched }),
      ...(query == null ? {} : { queryImageId: query }),
    };
  });
  const [found, lastRank] = row.edge ?? [0, null];
  const full = found === (row.broad ? WINDOW + 1 : WINDOW) && lastRank !== null && row.last_id !== null;
  return {
    seed: toSeed(row),
    scan: row.broad ? "hnsw" : "exact",
    complete: !row.broad || !row.embedded || full,
    items,
    ...(full ? { next: { rank: lastRank, productId: row.last_id } } : {}),
  };
}

function toSeed(row: WindowRow): Seed {
  return {
    ...(row.seed_id === null ? {} : { productId: row.seed_id }),
    sources: row.sources,
    categoryPath: row.category_path,
    ...(row.group_key === null ? {} : { group: row.group_key }),
    embedded: row.embedded,
  };
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
