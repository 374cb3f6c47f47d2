import { BadUserInput } from "../errors.js";
import type { ModelVersions } from "../models/model-version.type.js";
import { ModelVectorsGone } from "../vectors/vectors.errors.js";
import type { ScoreScale, SearchConditions, SearchWindow, Seeds, Vectors } from "../vectors/vectors.type.js";
import { blend } from "./blend.js";
import { type Cursors, createCursors, modelOfCursor, type Place } from "./cursor.js";
import { fillPage, hiddenOf, itemsNeeded } from "./fill-page.js";
import { createWindowOpeners, type OpenWindow, placeInRanking } from "./open-window.js";
import { seedsOf } from "./product-reference.js";
import { AmbiguousProduct, ProductNotFound } from "./similar-items.errors.js";
import type { SimilarItems, SimilarItemsPage, SimilarItemsRequest } from "./similar-items.type.js";

export interface SimilarItemsDependencies {
  readonly vectors: Pick<Vectors, "search" | "scales">;
  readonly models: Pick<ModelVersions, "active">;
}

export const MOST_ITEMS = 100;

/** A search that was begun: its place, and what each seed sees there. */
interface Opened {
  readonly place: Place;
  readonly windows: readonly SearchWindow[];
  readonly conditions: SearchConditions;
  readonly cursors: Cursors;
  readonly scale: ScoreScale;
  openerFor(seeds: Seeds): OpenWindow;
}

/** Answers "what looks like this"; see `SimilarItems`. */
export function createSimilarItems({ vectors: { search, scales }, models }: SimilarItemsDependencies): SimilarItems {
  /** The model that answered last. Each statement tells which one is active, so a promotion is seen by the next search. */
  let remembered: number | undefined;

  async function openWith(modelId: number, seeds: Seeds, request: SimilarItemsRequest, given: Given) {
    const { place: ended, cursors } = given;
    const scale = await scales.of(modelId);
    const minScore = request.options?.minScore;
    const place: Place = ended ?? {
      ...{ modelId, phase: "ranking", scan: "exact", level: 0, offset: 0, shown: 0 },
      ...(minScore === undefined ? {} : { maxDistance: scale.toDistance(minScore) }),
    };
    const { maxDistance } = place;
    const conditions = { ...given.conditions, ...(maxDistance === undefined ? {} : { maxDistance }) };
    const common = { ...conditions, ...hiddenOf(request), modelId };
    const { windows, activeModelId } = await search.windows({
      ...common,
      seeds,
      ...(place.phase === "ranking" ? placeInRanking(place) : {}),
      limit: itemsNeeded(request),
      scan: ended?.phase === "ranking" ? ended.scan : "auto",
    });
    const openerFor = createWindowOpeners(search, common);
    return { opened: { place, windows, conditions, cursors, scale, openerFor }, activeModelId };
  }

  /** Opens the search of each seed that exists, with the model that is active at that moment unless one is named. */
  async function open(
    seedsFor: (modelId: number) => Seeds | Promise<Seeds>,
    request: SimilarItemsRequest,
  ): Promise<Opened> {
    const given = givenBy(request);
    const { place } = given;
    const named = place?.modelId ?? request.options?.modelId;
    for (;;) {
      const modelId = named ?? remembered ?? (await models.active()).id;
      try {
        const seeds = await seedsFor(modelId);
        const { opened, activeModelId } = await openWith(modelId, seeds, request, given);
        if (named === undefined) {
          if (activeModelId !== undefined && activeModelId !== modelId) {
            remembered = activeModelId;
            continue;
          }
          remembered = modelId;
        }
        return opened;
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

  function fill(
    { place, openerFor, ...opened }: Opened,
    window: SearchWindow,
    seeds: Seeds,
    asked: readonly bigint[],
    request: SimilarItemsRequest,
  ): Promise<SimilarItemsPage> {
    const { modelId } = place;
    return fillPage({ ...opened, modelId, seeds, asked, request, search, openWindow: openerFor(seeds) }, place, window);
  }

  return {
    async toProduct(product, request) {
      checkRequest(request);
      const opened = await open(() => seedsOf(product, request.publishedOnly), request);
      const [window, other] = opened.windows;
      if (window?.seed.productId === undefined) throw new ProductNotFound(product);
      if (other !== undefined) throw new AmbiguousProduct(product, [...new Set(window.seed.sources)].sort());
      const asked = [window.seed.productId];
      const seeds: Seeds = { by: "product", ids: asked, published: request.publishedOnly ?? false };
      return fill(opened, window, seeds, asked, request);
    },
    async toProducts(productIds, request) {
      checkRequest(request);
      const pages = new Map<bigint, SimilarItemsPage>();
      if (productIds.length === 0) return pages;
      const all: Seeds = { by: "product", ids: [...new Set(productIds)] };
      const opened = await open(() => all, request);
      await Promise.all(
        opened.windows.map(async (window) => {
          const { productId } = window.seed;
          if (productId === undefined) return;
          const asked = [productId];
          pages.set(productId, await fill(opened, window, { by: "product", ids: asked }, asked, request));
        }),
      );
      return pages;
    },
    async toSeveral(several, request) {
      checkRequest(request);
      let found: Awaited<ReturnType<typeof blend>> | undefined;
      const opened = await open(async (modelId) => {
        found = await blend(search, modelId, several, request.publishedOnly ?? false);
        return found.seeds;
      }, request);
      const { seeds, asked } = found!;
      return fill(opened, opened.windows[0]!, seeds, asked, request);
    },
    async toPicture({ modelId, vector }, request) {
      checkRequest(request);
      if (request.after !== undefined && modelOfCursor(request.after) !== modelId) {
        throw new BadUserInput("The cursor is one of another model version. Start again from the first page.", [
          "after",
        ]);
      }
      const pinned = { ...request, options: { ...request.options, modelId } };
      const seeds: Seeds = { by: "picture", vector };
      const opened = await open(() => seeds, pinned);
      return fill(opened, opened.windows[0]!, seeds, [], pinned);
    },
  };
}

/** @throws BadUserInput */
function checkRequest({ first, options }: SimilarItemsRequest): void {
  if (!Number.isInteger(first) || first < 1 || first > MOST_ITEMS) {
    throw new BadUserInput(`first must be a whole number from 1 to ${MOST_ITEMS}.`, ["first"]);
  }
  for (const name of ["minScore", "diversity"] as const) {
    const share = options?.[name];
    if (share !== undefined && !(share >= 0 && share <= 1)) {
      throw new BadUserInput(`${name} must be a number from 0 to 1.`, ["options", name]);
    }
  }
}

/** What a request says of the search by itself, before a model is known. */
interface Given {
  readonly conditions: Omit<SearchConditions, "maxDistance">;
  readonly cursors: Cursors;
  readonly place: Place | undefined;
}

function givenBy({ filter = {}, options = {}, after }: SimilarItemsRequest): Given {
  const { sameCategory = true, widenCategory = true, excludeSameGroup = true, match = "BEST_IMAGE" } = options;
  const conditions = { filter, sameCategory, widenCategory, oneOfGroup: excludeSameGroup, match };
  const { minScore, diversity } = options;
  const cursors = createCursors({
    conditions,
    ...(minScore === undefined ? {} : { minScore }),
    ...(diversity ? { diversity } : {}),
  });
  return { conditions, cursors, place: after === undefined ? undefined : cursors.decode(after) };
}
