import { setTimeout as delay } from "node:timers/promises";
import { askSimilar, onlyActive, Violated } from "./kill-checks.js";
import { type KilledShop, PRODUCTS } from "./killed-shop.js";

const ASK_EVERY_MS = 150;
/** A promotion takes some ten milliseconds. */
const WATCH_EVERY_MS = 10;

export interface Watcher<Report> {
  /** Rejects when what must hold does not; resolves never. */
  readonly failed: Promise<never>;
  stop(): Promise<Report>;
}

/** Asks for similar items all the time. Only while the API is away may it get no answer. */
export function startShopper(shop: KilledShop): Watcher<{ given: number; whileTheApiWasAway: number }> {
  let given = 0;
  let whileTheApiWasAway = 0;
  return repeat(
    ASK_EVERY_MS,
    async (turn) => {
      const before = shop.outage;
      try {
        await askSimilar(shop, `prod_${1 + ((turn * 37) % PRODUCTS)}`);
        given += 1;
      } catch (error) {
        const now = shop.outage;
        if (error instanceof Violated || (before.isOver && now.number === before.number)) throw error;
        whileTheApiWasAway += 1;
      }
    },
    () => ({ given, whileTheApiWasAway }),
  );
}

/** Counts the active models all the time: also while no API is there to be asked, where the database is not its own. */
export function watchActive(shop: KilledShop): Watcher<void> {
  return repeat(
    WATCH_EVERY_MS,
    async () => {
      if (shop.kind === "postgres") await shop.look(onlyActive);
    },
    () => undefined,
  );
}

function repeat<Report>(everyMs: number, work: (turn: number) => Promise<void>, report: () => Report): Watcher<Report> {
  let stopped = false;
  const working = (async () => {
    for (let turn = 0; !stopped; turn += 1) {
      await work(turn);
      await delay(everyMs);
    }
    return report();
  })();
  return {
    failed: working.then(
      () => new Promise<never>(() => {}),
      (error: unknown) => Promise.reject(error),
    ),
    stop() {
      stopped = true;
      return working;
    },
  };
}
