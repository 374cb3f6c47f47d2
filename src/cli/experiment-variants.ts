import { InvalidArgumentError } from "commander";

/** `3=0.5,7=0.5`: models with their weights, 1 where none is given. @throws InvalidArgumentError */
export function experimentVariants(text: string): { readonly modelId: number; readonly weight: number }[] {
  return text.split(",").map((part) => {
    const [, model, weight] = /^\s*(\d{1,9})\s*(?:=\s*(\d+(?:\.\d+)?))?\s*$/.exec(part) ?? [];
    if (model !== undefined) return { modelId: Number(model), weight: weight === undefined ? 1 : Number(weight) };
    throw new InvalidArgumentError("It must be models with weights, the control first: 3=0.5,7=0.5.");
  });
}
