import type { RoundsReport } from "./kill-rounds.js";

/** What happened in all shops, counted. */
export function summarise(reports: readonly RoundsReport[]) {
  const kills = reports.flatMap((report) => report.kills);
  const runs = reports.flatMap((report) => report.runs);
  const sum = (of: (report: RoundsReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const count = (words: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const word of [...words].sort()) counts[word] = (counts[word] ?? 0) + 1;
    return counts;
  };
  return {
    kills: kills.length,
    byProcess: count(kills.map(({ killed }) => killed.join(" + "))),
    byPhase: count(kills.map(({ phase }) => phase)),
    runs: {
      started: runs.length,
      killed: runs.filter((run) => run.kills > 0).length,
      succeeded: runs.filter(({ state }) => state === "SUCCEEDED").length,
      resumedByThemselves: runs.filter(({ kills, resumedByHand }) => kills > 0 && !resumedByHand).length,
      failedWith: count(runs.flatMap(({ failureCode }) => failureCode ?? [])),
      resumedByHand: runs.filter(({ resumedByHand }) => resumedByHand).length,
      attempts: count(runs.map(({ attempts }) => String(attempts))),
    },
    promotions: {
      byGate: sum(({ promotions }) => promotions.byGate),
      byPeople: sum(({ promotions }) => promotions.byPeople),
      backToTheBase: sum(({ promotions }) => promotions.back),
    },
    answers: {
      given: sum(({ answers }) => answers.given),
      refusedWhileTheApiWasAway: sum(({ answers }) => answers.whileTheApiWasAway),
    },
    leftovers: count(
      reports.flatMap(({ leftovers }) => leftovers.map((file) => file.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "RUN"))),
    ),
    usualRunSeconds: reports.map(({ usualMs }) => usualMs / 1000),
  };
}

export type KillSummary = ReturnType<typeof summarise>;
