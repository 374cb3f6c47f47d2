import { LookalikeError } from "../errors.js";
import { formatExperimentId } from "./experiment-id.js";

/** There is no such experiment. */
export class ExperimentNotFound extends LookalikeError {
  readonly code = "EXPERIMENT_NOT_FOUND";

  constructor(id: number | string) {
    const shown = typeof id === "number" ? formatExperimentId(id) : JSON.stringify(id.slice(0, 80));
    super(`There is no experiment ${shown}. List them with \`lookalike experiments list\`.`);
  }
}

/** It is over already. */
export class ExperimentEnded extends LookalikeError {
  readonly code = "EXPERIMENT_ENDED";

  constructor(name: string, at: Date) {
    super(`Experiment "${name}" ended ${at.toISOString()}: there is nothing to stop.`);
  }
}

/** Another one runs, or will run, in that time. */
export class ExperimentOverlaps extends LookalikeError {
  readonly code = "EXPERIMENT_OVERLAPS";

  constructor(other: { readonly id: number; readonly name: string; readonly from: Date; readonly to: Date }) {
    super(
      `Experiment "${other.name}" (${formatExperimentId(other.id)}) runs from ${other.from.toISOString()} to ` +
        `${other.to.toISOString()}, and one runs at a time. Stop it, or choose other dates.`,
    );
  }
}
