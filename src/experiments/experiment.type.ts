import type { InteractionCounts, Rate, VariantPlace } from "../interactions/interaction.type.js";

export type ExperimentState = "SCHEDULED" | "RUNNING" | "ENDED";

export interface Variant {
  readonly modelId: number;
  /** Above 0, against the other variants' weights: they need not add up to anything. */
  readonly weight: number;
}

/** Models that answer different visitors at the same time. */
export interface Experiment {
  readonly id: number;
  readonly name: string;
  /** The first is the control. */
  readonly variants: readonly Variant[];
  /** 0 … 1, of the visitors. Those outside are answered by the active model. */
  readonly share: number;
  readonly from: Date;
  /** It runs until this moment, which is no part of it. */
  readonly to: Date;
  /** When somebody ended it before its time. */
  readonly stoppedAt: Date | null;
  readonly createdAt: Date;
}

export interface NewExperiment {
  readonly name: string;
  readonly variants: readonly Variant[];
  /** Left out: now. */
  readonly from?: Date;
  readonly to: Date;
  /** Left out: all visitors. */
  readonly share?: number;
}

/** What a visitor's answer is made by. */
export interface Assignment extends VariantPlace {
  readonly modelId: number;
}

export interface ComparedRate extends Rate {
  /** Whether the interval has a value in common with the control's; undefined for the control, and without trials. */
  readonly overlapsControl?: boolean;
}

export interface ComparedRates {
  readonly clicks: ComparedRate;
  readonly carts: ComparedRate;
  readonly purchases: ComparedRate;
}

export interface VariantReport extends Omit<InteractionCounts, "perItem" | "perVisitor"> {
  readonly variant: number;
  readonly modelId: number;
  readonly perItem: ComparedRates;
  readonly perVisitor: ComparedRates;
}

export interface Experiments {
  /**
   * Starts one, now or at its date. Its models' vectors are kept true and the models are not deleted until it ends.
   * @throws BadUserInput; ModelNotFound; ModelNotReady (a model lacks vectors that the active one has); ExperimentOverlaps
   */
  start(experiment: NewExperiment): Promise<Experiment>;
  /** Ends one that runs, and calls off one that has not begun. @throws ExperimentNotFound, ExperimentEnded */
  stop(id: number): Promise<Experiment>;
  /** Newest first, 100 at most. */
  list(): Promise<Experiment[]>;
  find(id: number): Promise<Experiment | undefined>;
  stateOf(experiment: Experiment): ExperimentState;
  /** What came of each variant until now, the control first. */
  report(experiment: Experiment): Promise<VariantReport[]>;
}
