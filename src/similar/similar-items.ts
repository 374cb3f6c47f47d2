import { BadUserInput } from "../errors.js";
import type { ModelVersions } from "../models/model-version.type.js";
import { ModelVectorsGone } from "../vectors/vectors.errors.js";
import type { SearchConditions, SearchWindow, Seeds, Vectors } from "../vectors/vectors.type.js";
import { createCursors, modelOfCursor, type Place } from "./cursor.js";
import { fillPage, hiddenOf, type PageSearch } from "./fill-page.js";
import { seedsOf } from "./product-reference.js";
import { AmbiguousProduct, ProductNotFound } from "./similar-items.errors.js";
import type { SimilarItems, SimilarItemsPage, SimilarItemsRequest } from "./similar-items.type.js";

export interface SimilarItemsDependencies {
  readonly vectors: Pick<Vectors, "search">;
  readonly models: Pick<ModelVersions, "active">;
}

export const MOST_ITEMS = 100;

/** Answers "what looks like this"; see `SimilarItems`. */
export function createSimilarItems({ vectors: { search }, models }: SimilarItemsDependencies): SimilarItems {
  /** The model that answered last. Each statement tells which one is active, so a promotion is seen by the next search. */
  let remembered: number | undefined;

  /** Opens the search of each seed that exists, with the model that is active at that moment unless one is named. */
  async function open(
    seeds: Seeds,
    request: SimilarItemsRequest,
  ): Promise<{ search: PageSearch; place: Place; windows: SearchWindow[] }> {
    const conditions = conditionsOf(request);
    const cursors = createCursors(conditions);
    const place = request.after === undefined ? undefined : cursors.decode(request.after);
    const named = place?.modelId ?? request.options?.modelId;
    for (;;) {
      const modelId = named ?? remembered ?? (await models.active()).id;
      const from: Place = place ?? { modelId, phase: "ranking", scan: "exact", offset: 0 };
      try {
        const { windows, activeModelId } = await search.windows({
          ...conditions,
          ...hiddenOf(request),
          modelId,
          seeds,
          ...(from.phase === "ranking" && from.start !== undefined ? { start: from.start } : {}),
          offset: from.phase === "ranking" ? from.offset : 0,
          limit: request.first + 1,
          scan: place?.phase === "ranking" ? place.scan : "auto",
        });
        if (named === undefined) {
          if (activeModelId !== undefined && activeModelId !== modelId) {
            remembered = activeModelId;
            continue;
          }
          remembered = modelId;
        }
        return { search: { modelId, seeds, conditions, cursors, request, windows: search }, place: from, windows };
      } catch (error) {
        if (!(error instanceof ModelVectorsGone)) throw error;
        if (place !== undefined) {
          throw new BadUserInput(
            "The cursor is one of a model version that is gone. Start again from the first page.",
            ["after"],
            { cause: error },
          );
        }
        if (named !== undefined || remembered === undefined) throw error;
        remembered = undefined;
      }
    }
  }

  async function single(seeds: Seeds, request: SimilarItemsRequest, name: string): Promise<SimilarItemsPage> {
    const opened = await open(seeds, request);
    const [window, other] = opened.windows;
    if (window === undefined) throw new ProductNotFound(name);
    if (other !== undefined) throw new AmbiguousProduct(name, [...new Set(window.seed.sources)].sort());
    return fillPage(opened.search, opened.place, window);
  }

  return {
    async toProduct(product, request) {
      checkRequest(request);
      return single(seedsOf(product, request.publishedOnly), request, product);
    },
    async toProducts(productIds, request) {
      checkRequest(request);
      const pages = new Map<bigint, SimilarItemsPage>();
      if (productIds.length === 0) return pages;
      const opened = await open({ by: "product", ids: [...new Set(productIds)] }, request);
      await Promise.all(
        opened.windows.map(async (window) => {
          const { productId } = window.seed;
          if (productId === undefined) return;
          const own = { ...opened.search, seeds: { by: "product", ids: [productId] } } as const;
          pages.set(productId, await fillPage(own, opened.place, window));
        }),
      );
      return pages;
    },
    async toPicture({ modelId, vector }, request) {
      checkRequest(request);
      if (request.after !== undefined && modelOfCursor(request.after) !== modelId) {
        throw new BadUserInput("The cursor is one of another model version. Start again from the first page.", [
          "after",
        ]);
      }
      const pinned = { ...request, options: { ...request.options, modelId } };
      return single({ by: "picture", vector }, pinned, "of the picture");
    },
  };
}

/** @throws BadUserInput */
function checkRequest({ first, options }: SimilarItemsRequest): void {
  if (!Number.isInteger(first) || first < 1 || first > MOST_ITEMS) {
    throw new BadUserInput(`first must be a whole number from 1 to ${MOST_ITEMS}.`, ["first"]);
  }
  const minScore = options?.minScore;
  if (minScore !== undefined && !(minScore >= 0 && minScore <= 1)) {
    throw new BadUserInput("minScore must be a number from 0 to 1.", ["options", "minScore"]);
  }
}

function conditionsOf({ filter = {}, options = {} }: SimilarItemsRequest): SearchConditions {
  return {
    filter,
    sameCategory: options.sameCategory ?? true,
    oneOfGroup: options.excludeSameGroup ?? true,
    match: options.match ?? "BEST_IMAGE",
    ...(options.minScore === undefined ? {} : { maxDistance: 2 * (1 - options.minScore) }),
  };
}
