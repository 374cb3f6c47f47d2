import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export type Victim = "trainer" | "worker" | "api";

/** One kill as it is drawn before anything runs, so that a seed and a number name it. */
export interface PlannedKill {
  readonly number: number;
  readonly victims: readonly Victim[];
  /** whole: somewhere between start and end. refresh: after the training. promotion: while people promote the model. */
  readonly when: "whole" | "refresh" | "promotion";
  /** 0 … 1 of the usual length of that. */
  readonly at: number;
  readonly restartAfterMs: number;
  /** Of a run that was killed before: count from when it works again, rather than from the last kill. */
  readonly waits: boolean;
  /** The next kill meets the same run. */
  readonly again: boolean;
  /** Of the run that is started for this kill, if none is under way. */
  readonly run: PlannedRun;
}

export interface PlannedRun {
  readonly recipe: "HEAD" | "LAST_BLOCKS";
  readonly promote: "IF_BETTER" | "NEVER";
  readonly seed: number;
}

const ONE: readonly Victim[] = ["trainer", "worker", "api"];
const SEVERAL: readonly (readonly Victim[])[] = [
  ["trainer", "worker"],
  ["trainer", "api"],
  ["worker", "api"],
  ["trainer", "worker", "api"],
];

/** The same kills for the same seed; a longer plan begins with a shorter one. */
export function planKills(seed: number, count: number): PlannedKill[] {
  const random = xoroshiro128plus(seed);
  const draw = (): number => uniformFloat64(random);
  const oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(draw() * choices.length)]!;
  return Array.from({ length: count }, (_, index) => {
    const kind = draw();
    const when = kind < 0.65 ? "whole" : kind < 0.85 ? "refresh" : "promotion";
    return {
      number: index + 1,
      victims: draw() < 0.75 ? [oneOf(ONE)] : oneOf(SEVERAL),
      when,
      at: draw(),
      restartAfterMs: draw() * 1_500,
      waits: draw() < 0.7,
      again: draw() < 0.5,
      run: {
        recipe: draw() < 0.7 ? "HEAD" : "LAST_BLOCKS",
        promote: draw() < 0.4 || when === "promotion" ? "NEVER" : "IF_BETTER",
        seed: 1 + Math.floor(draw() * 1000),
      },
    } as const;
  });
}
