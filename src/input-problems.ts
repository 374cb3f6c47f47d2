import type { ValidationError } from "class-validator";
import { BadUserInput } from "./errors.js";

/** What class-validator objects to, as one error that names the first field. */
export function toBadUserInput(errors: readonly ValidationError[]): BadUserInput {
  const problems = listProblems(errors, []);
  return new BadUserInput(`${problems.map(describeProblem).join("; ")}.`, problems[0]?.field ?? []);
}

interface Problem {
  readonly field: string[];
  readonly reasons: string[];
}

/** The reasons name their own field; what it is in is added. */
function describeProblem({ field, reasons }: Problem): string {
  const outer = field.slice(0, -1).join(".");
  return outer === "" ? reasons.join(", ") : `in ${outer}: ${reasons.join(", ")}`;
}

function listProblems(errors: readonly ValidationError[], path: readonly string[]): Problem[] {
  return errors.flatMap(({ property, constraints, children }) => {
    const field = [...path, property];
    const own = constraints ? [{ field, reasons: Object.values(constraints) }] : [];
    return [...own, ...listProblems(children ?? [], field)];
  });
}
