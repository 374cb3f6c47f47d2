import { LookalikeError } from "../errors.js";
import type { ModelGaps } from "../vectors/vectors.type.js";

/** There is no such model version, or it was deleted. */
export class ModelNotFound extends LookalikeError {
  readonly code = "MODEL_NOT_FOUND";

  constructor(modelId: number | string) {
    super(`There is no model version ${modelId}. List them with \`lookalike models\`.`);
  }
}

/** Some of its vectors are missing or stale, so its answers would be poorer than the active model's. */
export class ModelNotReady extends LookalikeError {
  readonly code = "MODEL_NOT_READY";

  constructor(
    readonly model: string,
    readonly gaps: ModelGaps,
    how: "refreshing" | "paused" | "not refreshing",
  ) {
    const missing = [
      ...(gaps.photos === 0 ? [] : [`${gaps.photos} ${gaps.photos === 1 ? "photo lacks" : "photos lack"} a vector`]),
      ...(gaps.products === 0 ? [] : [`${gaps.products} ${gaps.products === 1 ? "product is" : "products are"} stale`]),
    ].join(" and ");
    const next = {
      refreshing: "Wait for its refresh (`lookalike promote ID --wait`), with a worker running.",
      paused: "Its refresh is paused: go on with resumeRefresh.",
      "not refreshing": "Have them made with resumeRefresh (`lookalike promote ID --wait`).",
    }[how];
    super(`Model "${model}" cannot answer yet: ${missing}. ${next}`);
  }
}

/** The gate refused it, or was not asked. */
export class ModelNotBetter extends LookalikeError {
  readonly code = "MODEL_NOT_BETTER";

  constructor(model: string, reason: string | undefined) {
    super(
      `Model "${model}" was ${reason === undefined ? "not compared with the active one" : `refused: ${reason}`} ` +
        "Promote it all the same with force.",
    );
  }
}

/** Another model answers by now than the one that a candidate was compared with. */
export class LiveModelChanged extends LookalikeError {
  readonly code = "LIVE_MODEL_CHANGED";

  constructor() {
    super("Another model was promoted meanwhile; the candidate is compared with that one.");
  }
}

/** No model answered before this one, or its vectors are gone. */
export class NothingToRollBack extends LookalikeError {
  readonly code = "NOTHING_TO_ROLL_BACK";

  constructor() {
    super("No model answered before the active one, or it was deleted. Promote one by its id.");
  }
}

/** The model cannot be deleted. */
export class ModelInUse extends LookalikeError {
  readonly code = "MODEL_IN_USE";

  constructor(model: string, why: "active" | "base") {
    super(
      why === "active"
        ? `Model "${model}" answers now. Promote another one or roll back first.`
        : `Model "${model}" is the encoder as it came, which training starts from and compares with. It stays.`,
    );
  }
}

/** The model answers some visitors: it is deleted when the experiment has ended. */
export class ModelInExperiment extends LookalikeError {
  readonly code = "IN_EXPERIMENT";

  constructor(model: string, experiment: string) {
    super(`Model "${model}" is part of the experiment "${experiment}". Stop that, or wait for its end.`);
  }
}
