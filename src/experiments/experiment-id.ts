/** An experiment's id as callers see it. */
export function formatExperimentId(id: number): string {
  return `exp_${id}`;
}

/** The database id behind `exp_3`; undefined for anything else. */
export function parseExperimentId(text: string): number | undefined {
  const digits = /^exp_(\d{1,9})$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
