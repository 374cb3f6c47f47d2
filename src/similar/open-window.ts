import DataLoader from "dataloader";
import type { NeighbourSearch, SearchWindow, Seeds, WindowRequest } from "../vectors/vectors.type.js";
import type { RankingPlace } from "./cursor.js";

/** Opens the window at a place of one seed's ranking. */
export type OpenWindow = (place: RankingPlace, limit: number, scan?: WindowRequest["scan"]) => Promise<SearchWindow>;

interface Opening {
  readonly seeds: Seeds;
  readonly place: RankingPlace;
  readonly limit: number;
  readonly scan: WindowRequest["scan"];
}

/** The window of a product that was deleted meanwhile: its page ends there. */
const GONE: SearchWindow = {
  seed: { sources: [], categoryPath: [], embedded: false },
  scan: "exact",
  complete: true,
  items: [],
};

/**
 * Windows after the first. A list of products goes on together: those that ask for the same place at the same moment,
 * such as the category around their own, are answered by one statement.
 */
export function createWindowOpeners(
  search: Pick<NeighbourSearch, "windows">,
  common: Omit<WindowRequest, "seeds" | "limit" | "scan" | "level" | "start" | "end" | "after">,
): (seeds: Seeds) => OpenWindow {
  const createLoader = () =>
    new DataLoader<Opening, SearchWindow>(
      async (openings) => {
        const found = new Map<Opening, SearchWindow>();
        await Promise.all(
          togetherOf(openings).map(async (together) => {
            const { windows } = await search.windows({ ...common, ...requestOf(together) });
            for (const opening of together) {
              const { seeds } = opening;
              const own = windows.find(({ seed }) => seeds.by !== "product" || seed.productId === seeds.ids[0]);
              if (own) found.set(opening, { ...own, items: own.items.slice(0, opening.limit) });
            }
          }),
        );
        return openings.map((opening) => found.get(opening) ?? GONE);
      },
      { cache: false },
    );
  // Most pages need no second window.
  let loader: DataLoader<Opening, SearchWindow> | undefined;
  return (seeds) => (place, limit, scan) => {
    loader ??= createLoader();
    return loader.load({ seeds, place, limit, scan: scan ?? place.scan });
  };
}

function togetherOf(openings: readonly Opening[]): Opening[][] {
  const groups = new Map<string | Opening, Opening[]>();
  for (const opening of openings) {
    const { level, start, end, after } = opening.place;
    const products = opening.seeds.by === "product" && start === undefined && end === undefined && after === undefined;
    const key = products ? `${level} ${opening.scan}` : opening;
    groups.set(key, [...(groups.get(key) ?? []), opening]);
  }
  return [...groups.values()];
}

function requestOf(
  together: readonly Opening[],
): Pick<WindowRequest, "seeds" | "limit" | "scan"> & Partial<WindowRequest> {
  const { seeds, place, scan } = together[0]!;
  const ids = together.flatMap((opening) => (opening.seeds.by === "product" ? opening.seeds.ids : []));
  return {
    seeds: seeds.by === "product" ? { ...seeds, ids } : seeds,
    limit: Math.max(...together.map(({ limit }) => limit)),
    scan,
    ...placeInRanking(place),
  };
}

/** A place as a search takes it. */
export function placeInRanking({
  level,
  start,
  end,
  after,
}: Pick<RankingPlace, "level" | "start" | "end" | "after">): Pick<WindowRequest, "level" | "start" | "end" | "after"> {
  return {
    level,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(after === undefined ? {} : { after }),
  };
}
