import type { Config } from "../config.js";

/** To a worker that runs as a child: its configuration, which may hold secrets and so is not in its environment. */
export interface WorkerStart {
  readonly kind: "start";
  readonly config: Config;
}

/** From a worker that runs as a child. */
export interface WorkerReady {
  readonly kind: "ready";
}
