import { InvalidArgumentError } from "commander";

/** @throws InvalidArgumentError, as commander wants it, like the others here */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** `Shoes > Boots` as levels, outermost first. */
export function categoryPath(text: string): string[] {
  const levels = text.split(">").map((level) => level.trim());
  if (levels.every((level) => level !== "")) return levels;
  throw new InvalidArgumentError("Write the levels outermost first, with > between them: Shoes > Boots.");
}

/** A day means its beginning in UTC; a time says its zone. */
export function date(text: string): Date {
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const value = new Date(text);
  if (isDate && !Number.isNaN(value.getTime())) return value;
  throw new InvalidArgumentError("Write it as 2026-12-01, or with time and zone as 2026-12-01T08:00:00+01:00.");
}

/** `0.485,0.456,0.406` as three numbers. */
export function threeNumbers(text: string): [number, number, number] {
  const [red, green, blue, ...others] = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if ([red, green, blue].every(Number.isFinite) && others.length === 0) return [red!, green!, blue!];
  throw new InvalidArgumentError("It must be three numbers, for example 0.485,0.456,0.406.");
}
