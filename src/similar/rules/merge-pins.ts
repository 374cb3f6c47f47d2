import type { SimilarItem, SimilarItemsPage } from "../similar-items.type.js";
import type { PlacedPin } from "./place-pins.js";
import { encodePlace, type RuledPlace } from "./rule-cursor.js";

/** Items that a page needs of the list without pins; at least one, which tells whether there are more. */
export function neededBeside(pins: readonly PlacedPin[], { shown, last }: RuledPlace, first: number): number {
  if (last !== undefined) return 1;
  const within = pins.filter(({ position }) => position > shown && position <= shown + first).length;
  return Math.max(1, first - within);
}

/**
 * The page at `place` of a list in which every pin stands at its position, and those beyond the end of the others come
 * after them. A function of the whole list and the pins alone, so that pages of any size show the same.
 * @param others the page that follows `place.inner` of the list without the pinned products, `neededBeside` items long
 */
export function mergePins(
  pins: readonly PlacedPin[],
  place: RuledPlace,
  first: number,
  others: SimilarItemsPage,
): SimilarItemsPage {
  const at = new Map(pins.map((pin) => [pin.position, pin]));
  const items: SimilarItem[] = [];
  let { shown, last, inner } = place;
  let taken = 0;

  const step = (pin: PlacedPin | undefined, other: SimilarItem | undefined): boolean => {
    shown++;
    if (other !== undefined) inner = other.cursor;
    const cursor = encodePlace({
      shown,
      ...(last === undefined ? {} : { last }),
      ...(inner === undefined ? {} : { inner }),
    });
    if (other !== undefined) items.push({ ...other, cursor, ...(other.rank === undefined ? {} : { rank: shown }) });
    else if (pin !== undefined) items.push({ ...pinned(pin), cursor, rank: shown });
    return true;
  };
  const next = (): boolean => {
    if (last === undefined) {
      const pin = at.get(shown + 1);
      if (pin !== undefined) return step(pin, undefined);
      const other = others.items[taken];
      if (other !== undefined) {
        taken++;
        return step(undefined, other);
      }
      if (others.hasNextPage) return false;
    }
    const left = leftAfter(pins, last ?? shown);
    if (left === undefined) return false;
    last = left.position;
    return step(left, undefined);
  };
  while (items.length < first && next());

  const moreOthers = last === undefined && (taken < others.items.length || others.hasNextPage);
  return {
    ...others,
    items,
    hasNextPage: moreOthers || leftAfter(pins, last ?? shown) !== undefined,
  };
}

function leftAfter(pins: readonly PlacedPin[], position: number): PlacedPin | undefined {
  return pins.find((pin) => pin.position > position);
}

/** Nobody has compared it: it is there because the shop wants it. */
function pinned({ rule }: PlacedPin): Omit<SimilarItem, "cursor"> {
  return { productId: rule.productId, score: 0, distance: 2, reason: "PINNED", rule: "PINNED", ruleId: rule.id };
}
