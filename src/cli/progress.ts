import cliProgress from "cli-progress";
import { say } from "./answer.js";

export interface Progress {
  /** `total` is undefined while nobody knows it. */
  update(done: number, total: number | undefined): void;
  stop(): void;
}

/** Plain lines come this often where no terminal is. */
const LINE_EVERY_MS = 5_000;

/** A bar with rate and time left on a terminal, a line now and then elsewhere. Both on standard error. */
export function startProgress(label: string, unit: string): Progress {
  const startedAt = Date.now();
  // Work may be under way when somebody begins to look, and what was done before was not done since.
  let before: number | undefined;
  const describe = (done: number, total: number | undefined): { rate: string; left: string } => {
    before ??= done;
    const seconds = (Date.now() - startedAt) / 1000;
    const rate = seconds > 0 ? (done - before) / seconds : 0;
    const left = total !== undefined && rate > 0 ? formatSeconds((total - done) / rate) : "?";
    return { rate: rate >= 10 ? rate.toFixed(0) : rate.toFixed(1), left };
  };
  return process.stderr.isTTY ? startBar(label, unit, describe) : startLines(label, unit, describe);
}

type Describe = (done: number, total: number | undefined) => { rate: string; left: string };

function startBar(label: string, unit: string, describe: Describe): Progress {
  const bar = new cliProgress.SingleBar(
    {
      format: `${label} {bar} {value}/{shownTotal} ${unit}  {rate}/s  {left} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(1, 0, { rate: "0", left: "?", shownTotal: "?" });
  return {
    update(done, total) {
      bar.setTotal(total ?? Math.max(1, done * 2));
      bar.update(done, { ...describe(done, total), shownTotal: total ?? "?" });
    },
    stop: () => bar.stop(),
  };
}

function startLines(label: string, unit: string, describe: Describe): Progress {
  let lastAt = Date.now();
  let lastLine = "";
  let pending: string | undefined;
  const write = (line: string): void => {
    if (line !== lastLine) say(line);
    lastLine = line;
  };
  return {
    update(done, total) {
      const { rate, left } = describe(done, total);
      pending = `${label}: ${done}${total === undefined ? "" : ` of ${total}`} ${unit}, ${rate}/s, ${left} left`;
      if (Date.now() - lastAt < LINE_EVERY_MS) return;
      lastAt = Date.now();
      write(pending);
    },
    stop() {
      if (pending !== undefined) write(pending);
    },
  };
}

function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
