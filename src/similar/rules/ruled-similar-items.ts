import type { Sql } from "../../database/database.type.js";
import type { Hidden } from "../../vectors/vectors.type.js";
import type { SimilarItems, SimilarItemsPage, SimilarItemsRequest } from "../similar-items.type.js";
import { mergePins, neededBeside } from "./merge-pins.js";
import type { RuleBooks } from "./rule-books.js";
import { decodePlace, type RuledPlace } from "./rule-cursor.js";
import { findSeed, findSeeds } from "./ruled-seeds.repository.js";
import { NO_RULING, type Ruling, ruleOn } from "./rulings.js";

export interface RuledSimilarItemsDependencies {
  readonly similar: SimilarItems;
  readonly books: RuleBooks;
  readonly sql: Sql;
  readonly clock?: () => Date;
}

const FROM_THE_START: RuledPlace = { shown: 0 };

/**
 * `SimilarItems` under the shop's rules. A pin stands at its position among all items, on whichever page that is, as long
 * as its product is published and passes the shopper's filter; the category, the lowest score and, for a pin in this
 * product's own answer, the group are no hindrance to it. Answers to several products and to pictures have no pins.
 */
export function createRuledSimilarItems({
  similar,
  books,
  sql,
  clock = () => new Date(),
}: RuledSimilarItemsDependencies): SimilarItems {
  return {
    async toProduct(product, request) {
      const place = placeOf(request);
      const book = await books.current();
      const seed = book.isEmpty ? undefined : await findSeed(sql, product);
      // Without a seed the search itself says what is wrong.
      const rulings = seed && (await ruleOn(sql, [seed], book, request, clock()));
      const ruling = (seed && rulings?.get(seed.productId)) ?? NO_RULING;
      return mergePins(
        ruling.pins,
        place,
        request.first,
        await similar.toProduct(product, innerRequest(ruling, place, request)),
      );
    },

    async toProducts(productIds, request) {
      const place = placeOf(request);
      const book = await books.current();
      const seeds = book.isEmpty || productIds.length === 0 ? [] : await findSeeds(sql, productIds);
      const rulings = await ruleOn(sql, seeds, book, request, clock());
      const rulingOn = (id: bigint): Ruling => rulings.get(id) ?? NO_RULING;
      const pages = new Map<bigint, SimilarItemsPage>();
      // One search for all that ask the same of it, which mostly all do.
      await Promise.all(
        alike(productIds, (id) => questionOf(rulingOn(id), place, request)).map(async (ids) => {
          const found = await similar.toProducts(ids, innerRequest(rulingOn(ids[0]!), place, request));
          for (const [id, page] of found) pages.set(id, mergePins(rulingOn(id).pins, place, request.first, page));
        }),
      );
      return pages;
    },

    async toSeveral(several, request) {
      const book = await books.current();
      if (book.isEmpty) return similar.toSeveral(several, request);
      const seeds = await Promise.all([...new Set(several.like)].map((reference) => findSeed(sql, reference)));
      const at = clock();
      const hidden = [undefined, ...seeds].flatMap((seed) => book.wishesFor(seed, at).hidden);
      return similar.toSeveral(several, withHidden(request, { productIds: [...new Set(hidden)] }));
    },

    async toPicture(picture, request) {
      const book = await books.current();
      const { hidden } = book.wishesFor(undefined, clock());
      return similar.toPicture(picture, withHidden(request, { productIds: hidden }));
    },
  };
}

function placeOf({ after }: SimilarItemsRequest): RuledPlace {
  return after === undefined ? FROM_THE_START : decodePlace(after);
}

/** The search that is left to do beside the pins. A page size that is wrong is left to the search, which says so. */
function innerRequest({ pins, hidden }: Ruling, place: RuledPlace, request: SimilarItemsRequest): SimilarItemsRequest {
  const { after: _, ...rest } = withHidden(request, hidden);
  return {
    ...rest,
    first: request.first >= 1 ? neededBeside(pins, place, request.first) : request.first,
    ...(place.inner === undefined ? {} : { after: place.inner }),
  };
}

function withHidden(request: SimilarItemsRequest, { productIds = [], groups = [] }: Hidden): SimilarItemsRequest {
  if (productIds.length === 0 && groups.length === 0) return request;
  const { hidden } = request;
  return {
    ...request,
    hidden: {
      productIds: [...(hidden?.productIds ?? []), ...productIds],
      groups: [...(hidden?.groups ?? []), ...groups],
    },
  };
}

function questionOf({ hidden, pins }: Ruling, place: RuledPlace, request: SimilarItemsRequest): string {
  const sorted = (values: readonly (bigint | string)[] = []): string[] => values.map(String).sort();
  return JSON.stringify([sorted(hidden.productIds), sorted(hidden.groups), neededBeside(pins, place, request.first)]);
}

function alike(ids: readonly bigint[], questionOfOne: (id: bigint) => string): bigint[][] {
  const questions = new Map<string, bigint[]>();
  for (const id of new Set(ids)) {
    const question = questionOfOne(id);
    const known = questions.get(question);
    if (known === undefined) questions.set(question, [id]);
    else known.push(id);
  }
  return [...questions.values()];
}
